"""The source of the end-to-end test: two tables, somebody who changes them, and what is in them.

Every update counts up the row's `version`, so that the destination notices each that is missing or comes twice.
"""

import contextlib
import os
import random
import threading
import time

import psycopg2

from server import PASSWORD, SUPERUSER, Server

ROWS = 100000
NAME = f"end_to_end_{os.getpid()}"

# By table, the key first: an expression for each column that gives what a record has.
TABLES = {
    "orders": {"id": "id", "version": "version", "name": "name", "amount": "amount::float8", "active": "active",
               "at": "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", "doc": "doc", "large": "large"},
    "notes": {"title": "title", "version": "version", "tags": "tags", "large": "large"},
}

# A `large` value is long enough to be stored apart from its row: the server leaves it out of an update that does not
# change it, but for a table whose replica identity is full.
CREATE = f"""
CREATE SCHEMA {NAME};
CREATE TABLE {NAME}.orders (id int PRIMARY KEY, version int NOT NULL, name text, amount numeric, active bool,
    at timestamptz(0), doc jsonb, large text);
CREATE TABLE {NAME}.notes (title text PRIMARY KEY, version int NOT NULL, tags text[], large text);
ALTER TABLE {NAME}.orders ALTER large SET STORAGE EXTERNAL;
ALTER TABLE {NAME}.notes ALTER large SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
INSERT INTO {NAME}.orders SELECT n, 0, 'größe "№ ' || n || E'" \\\\ ☕\\n', n / 100.0, n % 3 = 0, now(),
    jsonb_build_object('n', n, 'text', 'naïve ☕'), CASE WHEN n % 50 = 0 THEN repeat(md5(n::text), 100) END
    FROM generate_series(1, {ROWS}) n;
INSERT INTO {NAME}.notes SELECT 'Straße ☕ ' || n, 0, ARRAY['ä', NULL, n::text], repeat(md5(n::text), 100)
    FROM generate_series(1, {ROWS // 100}) n;
"""


@contextlib.contextmanager
def database(lifetime_s):
    """Parameters of a connection to the source: PGHOST's server, or a throwaway one."""
    if os.environ.get("PGHOST"):
        yield {"host": os.environ["PGHOST"], "port": os.environ.get("PGPORT", "5432"),
               "user": os.environ.get("PGUSER", "flow"), "password": os.environ.get("PGPASSWORD", "flow"),
               "dbname": os.environ.get("PGDATABASE", "flow")}
    else:
        with Server(lifetime_s=lifetime_s) as server:
            yield {"host": "127.0.0.1", "port": server.port, "user": SUPERUSER, "password": PASSWORD,
                   "dbname": "postgres"}


def connect(source):
    try:
        connection = psycopg2.connect(connect_timeout=10, **source)
    except psycopg2.OperationalError as error:
        raise SystemExit(f"cannot connect to PostgreSQL: {error}") from None
    connection.autocommit = True
    return connection


def load(cursor):
    cursor.execute(CREATE)


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


def rows(cursor, table):
    cursor.execute(f"SELECT {', '.join(TABLES[table].values())} FROM {NAME}.{table}")
    return cursor.fetchall()


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
                    statements = (chance.choice((order, order, order, note))(chance)
                                  for _ in range(chance.choice((1, 2, 8))))
                    cursor.execute(";".join(["BEGIN", *statements, chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))]))
                    self.count += 1
        except psycopg2.Error as error:
            self.failure = error

    def finish(self):
        self.stopping.set()
        self.join(30)
        if self.failure:
            raise self.failure


def order(chance):
    key = chance.randint(1, 2 * ROWS)
    update = f"UPDATE {NAME}.orders SET version = version + 1,"
    return chance.choice((
        f"{update} amount = amount + 1, active = NOT active WHERE id = {key}",
        f"{update} name = NULL, doc = doc || '{{\"touched\": \"☕\"}}' WHERE id = {key}",
        f"{update} amount = NULL, doc = NULL, large = repeat(md5(random()::text), 100) WHERE id = {key}",
        f"DELETE FROM {NAME}.orders WHERE id = {key}",
        # The row of a new key is without what the update left alone: so it changes the large value too.
        f"{update} id = id + {2 * ROWS}, large = large || '.' WHERE id = {key}"
        f" AND NOT EXISTS (SELECT FROM {NAME}.orders WHERE id = {key + 2 * ROWS})",
        f"INSERT INTO {NAME}.orders VALUES ({key}, 0, 'new', 0.10, true, now(), '[1]') ON CONFLICT (id) DO NOTHING"))


def note(chance):
    key = f"'Straße ☕ {chance.randint(1, ROWS // 50)}'"
    update = f"UPDATE {NAME}.notes SET version = version + 1,"
    return chance.choice((
        f"{update} tags = tags || NULL::text || 'é'::text WHERE title = {key}",
        f"{update} large = NULL WHERE title = {key}",
        f"DELETE FROM {NAME}.notes WHERE title = {key}",
        f"{update} title = upper(title) WHERE title = {key}"
        f" AND NOT EXISTS (SELECT FROM {NAME}.notes WHERE title = upper({key}))",
        f"INSERT INTO {NAME}.notes VALUES ({key}, 0, '{{}}', repeat(md5(random()::text), 100))"
        " ON CONFLICT (title) DO NOTHING"))
