"""One test's own database on the shared server, with the names of its slot, publication and watermarks table."""

import itertools
import os
import time
from contextlib import closing

import psycopg2
from psycopg2 import sql

from server import PASSWORD, SUPERUSER

SERIAL = itertools.count(1)

# How PostgreSQL prints the text that expectations are made from.
PRINTING = ("bytea_output = hex", "timezone = 'UTC'", "datestyle = 'ISO, MDY'", "intervalstyle = iso_8601",
            "extra_float_digits = 1", "lc_monetary = 'C'")


class Database:
    def __init__(self, server, name=None, create=True):
        self.server = server
        self.name = name or f"test_{next(SERIAL)}"
        self.slot = f"slot_{self.name}"
        self.publication = f"publication_{self.name}"
        self.watermarks = "public.watermarks_of_the_test"
        # The connector does not do this by itself. From then on the server refuses UPDATE and DELETE where there is no key.
        self.publish_all = f"CREATE PUBLICATION {self.publication} FOR ALL TABLES WITH (publish_via_partition_root = true)"
        if create:
            self.create()
        self.connection = self.connect()

    def create(self):
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.name)))
        if os.environ.get("SYSTEM_STREAMED"):  # the whole suite with transactions that are sent before they commit
            self.stream_from(64)

    def stream_from(self, kib):
        """Transactions that are larger are sent before they commit; 64 is the least."""
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {self.name} SET logical_decoding_work_mem = {kib}")

    def connect(self):
        """A further session, for writers and locks; in autocommit mode."""
        return self.server.connect(self.name)

    def execute(self, *statements):
        """Each statement is a transaction of its own. A server takes a moment to release the slot of a reader that is
        gone."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                for attempt in itertools.count():
                    try:
                        cursor.execute(statement)
                        break
                    except psycopg2.errors.ObjectInUse as error:
                        if "replication slot" not in str(error) or attempt == 50:
                            raise
                        time.sleep(0.1)

    def transaction(self, *statements, commit=True):
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("COMMIT" if commit else "ROLLBACK")

    def query(self, statement, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    def value(self, statement, parameters=None):
        return self.query(statement, parameters)[0][0]

    def position(self):
        """The end of the WAL, as a number of bytes: later commits are after it."""
        return self.value("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")

    def write_wal(self, mib):
        """WAL of which nothing is captured, step by step, so that most of it has been passed at each look."""
        for _ in range(mib):
            self.execute("SELECT pg_logical_emit_message(true, 'the test', repeat('x', 1 << 20))")
            self.wait_for("SELECT count(*) = 0 OR bool_or(sent_lsn = pg_current_wal_lsn()) FROM pg_stat_replication r"
                          f" JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE slot_name = '{self.slot}'")

    def activity(self):
        """The activity of all sessions of the server, for a failing test."""
        try:
            with closing(self.server.connect(self.name)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT concat_ws(' | ', pid, datname, application_name, backend_type, state,"
                               " wait_event_type, wait_event, now() - state_change, pg_blocking_pids(pid),"
                               " right(query, 200)) FROM pg_stat_activity ORDER BY pid")
                return "\n".join(row[0] for row in cursor.fetchall())
        except psycopg2.Error as error:
            return str(error)

    def wait_for(self, statement, timeout_s=20):
        """Wait until the query's first value is true."""
        deadline = time.monotonic() + timeout_s
        while not self.value(statement):
            assert time.monotonic() < deadline, f"still not true after {timeout_s} s: {statement}"
            time.sleep(0.02)

    def end_sessions(self, name, which="true"):
        """End the capture's sessions whose application name is LIKE that; return how many there were."""
        return self.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
                          f" AND application_name LIKE '{name}' AND {which}")

    def config(self, **changes):
        """A complete configuration; a change to None leaves the option out."""
        config = {"host": "127.0.0.1", "port": self.server.port, "user": SUPERUSER, "password": PASSWORD,
                  "database": self.name, "slot_name": self.slot, "publication_name": self.publication,
                  "watermarks_table": self.watermarks, **changes}
        if os.environ.get("SYSTEM_READ_ONLY"):  # the whole suite without watermarks
            config["advanced"] = {"read_only_capture": True, **(config.get("advanced") or {})}
        return {name: value for name, value in config.items() if value is not None}

    def reconnect(self):
        self.connection.close()
        self.connection = self.connect()

    def drop(self):
        self.connection.close()
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                           " WHERE database = %s AND active", (self.name,))
            self.drop_slots(cursor)
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def drop_slots(self, cursor):
        """Drop its slots, and those that the test left in other databases: the next test may look at all of them."""
        deadline = time.monotonic() + 10
        while True:
            cursor.execute("SELECT slot_name, active FROM pg_replication_slots WHERE database = %s OR NOT active", (self.name,))
            slots = cursor.fetchall()
            for name, active in slots:
                if not active:
                    cursor.execute("SELECT pg_drop_replication_slot(%s)", (name,))
            if not any(active for _, active in slots) or time.monotonic() > deadline:
                return
            time.sleep(0.05)


def quoted(name):
    """An identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def table_rows(database, namespace, table):
    """Column names with their types, and all rows, every value as PostgreSQL's text or None."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        for setting in PRINTING:
            cursor.execute("SET " + setting)
        name = f"{quoted(namespace)}.{quoted(table)}"
        captured = "attgenerated = ''"
        if connection.server_version >= 180000:  # a publication may have some columns alone, and generated ones
            cursor.execute("SELECT attnames::text[] FROM pg_publication_tables WHERE (pubname, schemaname, tablename) = (%s, %s, %s)",
                           (database.publication, namespace, table))
            captured = f"attname = ANY ({as_array(*published)})" if (published := cursor.fetchall()) else captured
        cursor.execute(
            "SELECT attname, format_type(coalesce(nullif(typbasetype, 0), atttypid), NULL) FROM pg_attribute"
            " JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = %s::regclass AND attnum > 0"
            f" AND NOT attisdropped AND {captured} ORDER BY attnum", (name,))
        columns = cursor.fetchall()
        listed = ", ".join(as_text(*column) for column in columns) or "1"
        cursor.execute(f"SELECT {listed} FROM {name}")
        return columns, cursor.fetchall()


def as_array(row):
    return "ARRAY[" + ", ".join("'" + name.replace("'", "''") + "'" for name in row[0]) + "]::text[]"


def as_text(column, type_name):
    """A cast to text strips the blanks that pad a char(n), so that type is printed by its own function. Values that a
    record shows as an object or an array are printed as one."""
    if type_name == "character":
        return f"textin(bpcharout({quoted(column)}))"
    if type_name == "hstore":
        return f"hstore_to_json({quoted(column)})::text"
    if type_name == "pair[]":
        return f"array_to_json({quoted(column)}::text[])::text"
    return f"{quoted(column)}::text"
