"""A database of one's own. It is read, and nothing is written to it but what a capture needs: slots, and a publication unless
one is named. Their names tell the run, and each run holds an advisory lock: what bears the name of a run whose lock is
free was left behind by a kill -9, and the next run removes it."""

import os
import random
import re
import signal
import sys
import time
from contextlib import closing

import psycopg2
import psycopg2.extras
from psycopg2.extensions import parse_dsn, set_wait_callback

from place import PEM_OPTIONS, Place

PREFIX = "source_postgres_bench_"
LOCK_CLASS = 1936749428  # of the advisory locks; the run is the other half
PARAMETERS = {"host", "hostaddr", "port", "user", "dbname", "sslmode", *PEM_OPTIONS}
PASSWORD_VARIABLES = ("PGPASSWORD", "PGPASSFILE")
SETTINGS = ("statement_timeout = '120s'", "lock_timeout = '10s'", "idle_in_transaction_session_timeout = 0")
WAIT_S, PATIENCE_S = 60, 5

SLOTS = "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() AND slot_name ~ %s"
PUBLICATIONS = "SELECT pubname::text FROM pg_publication WHERE pubname ~ %s"


def parse(url):
    """A URL's parameters; of a URL nothing is repeated in an error, as there may be a password in it."""
    try:
        parameters = parse_dsn(url)
    except psycopg2.ProgrammingError:
        sys.exit("--database: libpq does not understand this URL; one looks like postgresql://USER@HOST:PORT/DATABASE")
    if "password" in parameters:
        sys.exit("--database: leave the password out, others can see command lines; it is taken from PGPASSWORD,"
                 " or from the file that PGPASSFILE names or ~/.pgpass")
    unknown = set(parameters) - PARAMETERS
    if unknown:
        sys.exit(f"--database: {', '.join(sorted(unknown))} cannot be used; what can is {', '.join(sorted(PARAMETERS))}")
    return parameters


class Own(Place):
    """Use it in a `with` statement: at its end there is no slot and no publication of it."""

    def __init__(self, url, publication):
        self.parameters = parse(url)
        self.run = random.randrange(1, 2 ** 31)
        self.slots = f"{PREFIX}{self.run}"
        self.publication, self.own_publication = publication or self.slots, not publication
        self.advanced = {"read_only_capture": True}
        self.password = os.environ.get("PGPASSWORD")
        super().__init__({}, {name: os.environ[name] for name in PASSWORD_VARIABLES if name in os.environ})

    def __enter__(self):
        set_wait_callback(psycopg2.extras.wait_select)  # a signal interrupts what waits for the server
        self.lock = self.connect()
        info = self.lock.info
        self.routes["own"] = {**self.parameters, "host": info.host, "port": info.port, "user": info.user, "dbname": info.dbname}
        with self.lock.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_CLASS, self.run))
            remove_left_behind(cursor)
        return self

    def __exit__(self, *_):
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                with closing(self.connect()) as connection, connection.cursor() as cursor:
                    remove(cursor, self.run)
                break
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    print(f"What is called {self.slots}… may still be there: run this again with the database, or drop it"
                          f" yourself (pg_replication_slots, pg_publication): {error}", file=sys.stderr)
                    break
                time.sleep(1)
        self.lock.close()

    def connect(self):
        connection = psycopg2.connect(**self.parameters, connect_timeout=10, application_name="source-postgres-bench")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in SETTINGS:
                cursor.execute(f"SET {setting}")
        return connection


def names(cursor, query, pattern):
    cursor.execute(query, (pattern,))
    return [row[0] for row in cursor.fetchall()]


def remove_left_behind(cursor):
    found = names(cursor, SLOTS, f"^{PREFIX}[0-9]+_[0-9]+$") + names(cursor, PUBLICATIONS, f"^{PREFIX}[0-9]+$")
    for run in {int(re.match(f"{PREFIX}([0-9]+)", name)[1]) for name in found}:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, run))
        if cursor.fetchone()[0]:
            print(f"==> Removing what a run that was killed left behind: {PREFIX}{run}", file=sys.stderr, flush=True)
            remove(cursor, run)
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK_CLASS, run))


def remove(cursor, run):
    for slot in names(cursor, SLOTS, f"^{PREFIX}{run}_[0-9]+$"):
        drop_slot(cursor, slot)
    cursor.execute(f"DROP PUBLICATION IF EXISTS {PREFIX}{run}")


def drop_slot(cursor, slot):
    """Its reader is gone, or is ended."""
    begun = time.monotonic()
    while True:
        cursor.execute("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", (slot,))
        found = cursor.fetchone()
        if not found:
            return
        passed = time.monotonic() - begun
        try:
            if found[0] is None:
                cursor.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
            elif passed > PATIENCE_S:
                cursor.execute("SELECT pg_terminate_backend(%s)", (found[0],))
        except (psycopg2.errors.ObjectInUse, psycopg2.errors.UndefinedObject):
            if passed > WAIT_S:
                raise
        if passed > WAIT_S:
            raise RuntimeError(f"slot {slot} is still read, by process {found[0]} of the server: drop it once that has ended")
        time.sleep(0.05)
