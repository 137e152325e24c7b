"""The actors of the chaos test: a writer that survives the server's death, and faults that are done to a capture."""

import random
import signal
import threading
import time
from contextlib import closing

import psycopg2

from chaos_ddl import CONCURRENT_DDL
from connector import PATIENCE

BEHIND_MOST_MIB, CATCH_UP_S = 256, 60


class StubbornWriter(threading.Thread):
    """Commits and rolls back random transactions until it is stopped, whatever happens to its session."""

    def __init__(self, database, tables, seed):
        super().__init__(daemon=True)
        self.database, self.tables = database, tables
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.transactions = 0
        self.failure = None

    def run(self):
        while not self.stopping.is_set():
            try:
                with closing(self.database.connect()) as connection, connection.cursor() as cursor:
                    while not self.stopping.is_set():
                        self.one(cursor)
            except Exception as error:
                if not lost_connection(error):
                    self.failure = error
                    return
                time.sleep(0.05)

    def one(self, cursor):
        statements = []
        for _ in range(self.random.choice((1, 1, 1, 2, 5))):
            statements += self.random.choice(self.tables)(self.random)
        if self.random.random() < 0.02:
            statements *= 30
        end = "COMMIT" if self.random.random() < 0.8 else "ROLLBACK"
        try:
            cursor.execute(";".join(["BEGIN", *statements, end]))
        except (psycopg2.IntegrityError, *CONCURRENT_DDL):
            cursor.execute("ROLLBACK")
        self.transactions += 1
        time.sleep(self.random.choice((0, 0, 0.001, 0.01)))


def lost_connection(error):
    """Whether the error means that the server went away: it then has no SQLSTATE, or says that the server shuts
    down."""
    return isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)) or (
        isinstance(error, psycopg2.DatabaseError) and error.pgcode is None)


def passes_by_itself(process):
    """Whether the errors are transient, or chaos_ddl undoes their cause: the publication leaves out operations for a
    while."""
    return any(error["failure_type"] == "transient_error" or "does not publish" in error["message"] for error in process.errors[:1])


class Chaos:
    """Drives one tailing capture through random disasters; every decision comes from the seed."""

    def __init__(self, server, database, one, seed):
        self.server, self.database, self.one = server, database, one
        self.random = random.Random(seed)
        self.began = time.monotonic()
        self.log = []
        self.process = None

    def say(self, what):
        self.log.append(f"{time.monotonic() - self.began:7.2f} s  {what}")

    def run(self, seconds):
        while time.monotonic() - self.began < seconds:
            self.ensure_running()
            self.let_it_catch_up()
            time.sleep(self.random.choice((0.1, 0.4, 1.0, 2.0)) * self.random.random() * 2 * PATIENCE)
            self.random.choices((self.kill, self.terminate, self.cut_connections, self.restart_server,
                                 self.crash_server), weights=(5, 3, 4, 1, 1))[0]()
        if self.process:
            self.take(self.process.kill(), "kill at the end")

    def let_it_catch_up(self):
        """A run begins to decode at the slot's restart_lsn, which moves only while a run lives for ten seconds: runs that are
        all shorter would end before they come to anything new."""
        behind, until = self.behind_mib(), time.monotonic() + CATCH_UP_S * PATIENCE
        if behind <= BEHIND_MOST_MIB:
            return
        while self.behind_mib() > BEHIND_MOST_MIB and time.monotonic() < until:
            time.sleep(0.5)
            self.ensure_running()
        self.say(f"the slot kept {behind} MiB, and keeps {self.behind_mib()} MiB after a while without faults")

    def behind_mib(self):
        with closing(self.database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
                           " - restart_lsn) / 1048576), 0)::int FROM pg_replication_slots WHERE slot_name = %s", (self.database.slot,))
            return cursor.fetchone()[0]

    def ensure_running(self):
        if self.process and self.process.process.poll() is not None:
            ended = self.process.finish()
            reason = ended.errors[0] if ended.errors else None
            acceptable = ended.process.returncode == 0 or passes_by_itself(ended)
            self.take(ended, f"ended by itself: {reason and reason['message']}")
            assert acceptable, f"exit {ended.process.returncode}\n{ended.story()}"
        if not self.process:
            self.process = self.one.start()

    def take(self, ended, what):
        before = len(self.one.records)
        self.one.keep(ended)
        self.process = None
        self.say(f"{what}: {len(ended.records)} records, {len(self.one.records) - before} of them count")
        ended.messages[:] = [message for message in ended.messages if message["type"] not in ("RECORD", "STATE")]

    def kill(self):
        self.take(self.process.kill(), "kill -9")

    def terminate(self):
        process = self.process
        process.process.send_signal(signal.SIGTERM)
        process.finish(15 * PATIENCE)
        code = process.process.returncode
        early = code == -signal.SIGTERM and not process.messages
        assert code == 0 or early or passes_by_itself(process), f"exit {code} after SIGTERM\n{process.story()}"
        self.take(process, "SIGTERM")

    def cut_connections(self):
        which = self.random.choice(("backend_type = 'walsender'", "backend_type = 'client backend'", "true"))
        self.say(f"cut connections where {which}")
        with closing(self.database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
                           f" AND pid <> pg_backend_pid() AND application_name <> 'test' AND {which}")
            self.say(f"{cursor.fetchone()[0]} cut")

    def restart_server(self):
        self.say("server restart")
        self.server.stop(timeout_s=10)  # then at once: a walsender may wait for a capture that does not answer
        time.sleep(self.random.random() * 0.5)
        self.server.start()

    def crash_server(self):
        self.say("server crash")
        self.server.crash()
        time.sleep(self.random.random() * 0.5)
        self.server.start()
