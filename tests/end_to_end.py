"""What tests/run.sh runs; see there.

A platform in small: it starts the connector, takes documents, and commits them to SQLite in one transaction with the
state that came behind them. What came after the last state is forgotten, as the next session brings it again.
"""

import contextlib
import json
import os
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

import psycopg2  # noqa: E402

from connector import executable  # noqa: E402
from flow_protocol import merge_patch  # noqa: E402
from server import PASSWORD, SUPERUSER, Server  # noqa: E402

LIMIT_S = 240
ROWS = 20000
SECONDS_EACH = float(os.environ.get("SECONDS_EACH", "2"))
NAME = f"end_to_end_{os.getpid()}"
COLUMNS = ("id", "name", "amount", "active", "at", "doc")


# The source.


@contextlib.contextmanager
def database():
    """Parameters of a connection to the source."""
    if os.environ.get("PGHOST"):
        yield {"host": os.environ["PGHOST"], "port": int(os.environ.get("PGPORT", "5432")),
               "user": os.environ.get("PGUSER", "flow"), "password": os.environ.get("PGPASSWORD", "flow"),
               "dbname": os.environ.get("PGDATABASE", "flow")}
    else:
        with Server(lifetime_s=LIMIT_S + 60) as server:
            yield {"host": "127.0.0.1", "port": server.port, "user": SUPERUSER, "password": PASSWORD,
                   "dbname": "postgres"}


def connect(source):
    connection = psycopg2.connect(connect_timeout=10, **source)
    connection.autocommit = True
    return connection


def load(cursor):
    cursor.execute(f"CREATE SCHEMA {NAME}")
    cursor.execute(f"CREATE TABLE {NAME}.orders (id int PRIMARY KEY, name text, amount numeric, active bool,"
                   " at timestamptz(0), doc jsonb)")
    cursor.execute(f"INSERT INTO {NAME}.orders SELECT n, 'order ' || n, n / 100.0, n % 3 = 0, now(),"
                   f" jsonb_build_object('n', n) FROM generate_series(1, {ROWS}) n")


def unload(cursor):
    deadline = time.monotonic() + 15
    cursor.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name LIKE %s AND active",
                   (NAME + "%",))
    while True:
        cursor.execute("SELECT count(pg_drop_replication_slot(slot_name)) FROM pg_replication_slots"
                       " WHERE slot_name LIKE %s AND NOT active", (NAME + "%",))
        cursor.execute("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE %s", (NAME + "%",))
        if cursor.fetchone()[0] == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    cursor.execute(f"DROP PUBLICATION IF EXISTS {NAME}")
    cursor.execute(f"DROP SCHEMA IF EXISTS {NAME} CASCADE")


class Writer(threading.Thread):
    """Changes rows until told to stop."""

    def __init__(self, source):
        super().__init__(daemon=True)
        self.source, self.stopping, self.failure, self.count = source, threading.Event(), None, 0

    def run(self):
        chance = random.Random(1)
        try:
            with contextlib.closing(connect(self.source)) as connection, connection.cursor() as cursor:
                while not self.stopping.wait(0.002):
                    cursor.execute(";".join(["BEGIN", *(self.statement(chance) for _ in range(chance.choice((1, 2, 8)))),
                                             chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))]))
                    self.count += 1
        except psycopg2.Error as error:
            self.failure = error

    def statement(self, chance):
        key = chance.randint(1, 2 * ROWS)
        return chance.choice((
            f"UPDATE {NAME}.orders SET amount = amount + 1, active = NOT active WHERE id = {key}",
            f"UPDATE {NAME}.orders SET name = NULL, doc = doc || '{{\"touched\": true}}' WHERE id = {key}",
            f"DELETE FROM {NAME}.orders WHERE id = {key}",
            f"UPDATE {NAME}.orders o SET id = {key + 2 * ROWS} WHERE id = {key}"
            f" AND NOT EXISTS (SELECT FROM {NAME}.orders WHERE id = {key + 2 * ROWS})",
            f"INSERT INTO {NAME}.orders VALUES ({key}, 'new', 0.10, true, now(), '[1]') ON CONFLICT (id) DO NOTHING"))

    def finish(self):
        self.stopping.set()
        self.join(30)
        if self.failure:
            raise self.failure


# The destination.


class Destination:
    """A table in SQLite, kept by key, and beside it the state that it is at."""

    def __init__(self):
        self.sqlite = sqlite3.connect(":memory:", isolation_level=None)
        self.sqlite.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, name, amount, active, at, doc)")
        self.sqlite.execute("CREATE TABLE state (state)")
        self.sqlite.execute("INSERT INTO state VALUES ('null')")
        self.counts = {"c": 0, "u": 0, "d": 0}

    def state(self):
        return json.loads(self.sqlite.execute("SELECT state FROM state").fetchone()[0])

    def commit(self, documents, state):
        self.sqlite.execute("BEGIN")
        for document in documents:
            self.apply(document)
        self.sqlite.execute("UPDATE state SET state = ?", (json.dumps(state),))
        self.sqlite.execute("COMMIT")

    def apply(self, document):
        operation = document["_meta"]["op"]
        row = {name: sqlite_value(name, document[name]) for name in COLUMNS if name in document}
        names, key = list(row), row["id"]
        if operation == "c":  # fails where there is such a row
            done = self.sqlite.execute(f"INSERT INTO orders ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                                       list(row.values()))
        elif operation == "u":
            done = self.sqlite.execute(f"UPDATE orders SET {', '.join(name + ' = ?' for name in names)} WHERE id = ?",
                                       [*row.values(), key])
        else:
            done = self.sqlite.execute("DELETE FROM orders WHERE id = ?", (key,))
        assert done.rowcount == 1, f"{operation!r} of a row that is not there: {document}"
        self.counts[operation] += 1

    def was_changed(self):
        return self.counts["u"] > 0 and self.counts["d"] > 0

    def rows(self):
        return {row[0]: row[1:] for row in self.sqlite.execute(f"SELECT {', '.join(COLUMNS)} FROM orders")}


def sqlite_value(name, value):
    if name == "doc":
        return json.dumps(value, sort_keys=True)
    return int(value) if isinstance(value, bool) else value


def source_rows(cursor):
    cursor.execute("SET timezone = 'UTC'")
    cursor.execute("SELECT id, name, amount::text, active::int, to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), doc::text"
                   f" FROM {NAME}.orders")
    return {row[0]: (*row[1:5], json.dumps(json.loads(row[5]), sort_keys=True)) for row in cursor.fetchall()}


# The platform.


class Platform:
    """One connector in one directory, and where its documents go."""

    def __init__(self, directory, source, slot):
        self.directory = directory
        self.destination = Destination()
        self.pending = []
        self.config = {"host": source["host"], "port": source["port"], "user": source["user"],
                       "password": source["password"], "database": source["dbname"], "slot_name": slot,
                       "publication_name": NAME, "watermarks_table": f"{NAME}.watermarks",
                       "advanced": {"backfill_chunk_size": 1000}}
        connector = os.environ.get("CONNECTOR")
        self.image = None
        self.program = connector if connector else executable()
        if connector and not os.access(connector, os.X_OK):
            self.image = f"{connector}:{os.environ.get('VERSION', 'latest')}"
            if not shutil.which("docker"):
                raise SystemExit(f"CONNECTOR is no executable, and there is no docker to run the image {self.image}")

    def command(self, arguments, variables):
        if not self.image:
            return [self.program, *arguments]
        options = [part for name, value in variables.items() for part in ("-e", f"{name}={value}")]
        return ["docker", "run", "--rm", "-i", "--pull=never", "--network=host",
                "-v", f"{self.directory}:{self.directory}:ro", *options, self.image, *arguments]

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.chmod(path, 0o644 if self.image else 0o600)  # a container has a user of its own
        return path

    def session(self, seconds=None, end=signal.SIGTERM):
        """Run until `seconds` have passed and end it then; without them until it ends by itself."""
        arguments, variables = self.arguments(tail=seconds is not None)
        self.pending = []
        process = subprocess.Popen(self.command(arguments, variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={**os.environ, **variables})
        log, lines = [], queue.Queue()
        for work in (lambda: log.extend(process.stderr), lambda: read_lines(process.stdout, lines)):
            threading.Thread(target=work, daemon=True).start()
        try:
            self.begin(process)
            self.serve(process, lines, seconds, end)
            code = process.wait(30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        stopped_early = seconds is not None and code in (-signal.SIGTERM, 128 + signal.SIGTERM) and not log
        if code != 0 and not stopped_early and not (seconds is not None and end == signal.SIGKILL):
            raise SystemExit(f"the connector ended with {code}:\n" + b"".join(log).decode()[-3000:])

    def serve(self, process, lines, seconds, end):
        deadline = time.monotonic() + (seconds if seconds is not None else LIMIT_S)
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                process.send_signal(end)
                deadline = time.monotonic() + 30
                continue
            if line is None:
                return
            self.take(json.loads(line), process)


def read_lines(stream, lines):
    for line in stream:
        if line.endswith(b"\n"):
            lines.put(line)
    lines.put(None)


class Airbyte(Platform):
    def arguments(self, tail):
        stream = {"stream": {"name": "orders", "namespace": NAME, "json_schema": {}}, "sync_mode": "incremental",
                  "destination_sync_mode": "append_dedup", "primary_key": [["id"]]}
        state = self.destination.state()
        return ["read", "--config", self.file("config.json", self.config),
                "--catalog", self.file("catalog.json", {"streams": [stream], "tail": tail}),
                "--state", self.file("state.json", [state] if state else [])], {}

    def begin(self, process):
        process.stdin.close()

    def take(self, message, _):
        if message["type"] == "RECORD":
            self.pending.append(message["record"]["data"])
        elif message["type"] == "STATE":
            self.destination.commit(self.pending, message["state"])
            self.pending = []


class Flow(Platform):
    def arguments(self, tail):
        return [], {} if tail else {"SHUTDOWN_AFTER_POLLING": "yes"}

    def begin(self, process):
        binding = {"resourceConfig": {"namespace": NAME, "stream": "orders"}, "resourcePath": [NAME, "orders"],
                   "collection": {"name": "acme/orders", "key": ["/id"]}, "stateKey": f"{NAME}%2Forders"}
        capture = {"name": "acme/capture", "config": self.config, "bindings": [binding]}
        for request in ({"spec": {}}, {"validate": {"name": "acme/capture", "config": self.config, "bindings": [binding]}},
                        {"apply": {"capture": capture, "version": "1"}},
                        {"open": {"capture": capture, "version": "1", "state": self.destination.state() or {}}}):
            self.send(process, request)

    def send(self, process, request):
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()

    def take(self, message, process):
        if "captured" in message:
            self.pending.append(message["captured"]["doc"])
        elif "checkpoint" in message:
            state = merge_patch(self.destination.state() or {}, message["checkpoint"]["state"]["updated"])
            self.destination.commit(self.pending, state)
            self.pending = []
            with contextlib.suppress(BrokenPipeError):  # it may have ended meanwhile
                self.send(process, {"acknowledge": {"checkpoints": 1}})


def compare(name, platform, cursor):
    expected, found = source_rows(cursor), platform.destination.rows()
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    counts = platform.destination.counts
    print(f"{name}: {len(found)} rows from {counts['c']} creates, {counts['u']} updates, {counts['d']} deletes")
    for key in wrong[:5]:
        print(f"  {key}: PostgreSQL {expected.get(key)}, SQLite {found.get(key)}")
    if wrong:
        raise SystemExit(f"{name}: {len(wrong)} rows differ")


def run(source, cursor, directory):
    platforms = {}
    for name, kind in (("Airbyte", Airbyte), ("Flow", Flow)):
        os.makedirs(os.path.join(directory, name))
        platforms[name] = kind(os.path.join(directory, name), source, f"{NAME}_{name.lower()}")
    writer = Writer(source)
    writer.start()
    try:
        for platform in platforms.values():
            platform.session(SECONDS_EACH / 4)
            platform.session(SECONDS_EACH)
            platform.session(SECONDS_EACH, signal.SIGKILL)
            seconds = SECONDS_EACH
            platform.session(seconds)
            while not platform.destination.was_changed():  # a busy machine is still at the first rows
                seconds *= 2
                platform.session(seconds)
    finally:
        writer.finish()
    print(f"{writer.count} transactions beside the captures")
    for name, platform in platforms.items():
        platform.session()
        compare(name, platform, cursor)


def expired(*_):
    raise SystemExit(f"not done after {LIMIT_S} s")


def main():
    signal.signal(signal.SIGALRM, expired)
    signal.alarm(LIMIT_S)
    with database() as source, contextlib.closing(connect(source)) as connection, connection.cursor() as cursor, \
            tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        try:
            load(cursor)
            run(source, cursor, directory)
        finally:
            unload(cursor)
    print("both protocols: SQLite and PostgreSQL are equal")


if __name__ == "__main__":
    main()
