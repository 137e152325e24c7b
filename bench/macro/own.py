"""Tables of a database of one's own: their rows, and the changes that the application makes meanwhile."""

import sys
import time

import psycopg2

import backfill
import flow_runtime
import replication
import tables
from bench import plugin_of

# Publishing a table that lacks a replica identity would make the application's UPDATE and DELETE fail.
WITHOUT_IDENTITY = """WITH RECURSIVE parts AS (
    SELECT %s::regclass::oid AS oid UNION SELECT inhrelid FROM pg_inherits JOIN parts ON inhparent = oid)
SELECT coalesce(bool_or(relreplident = 'n' OR relreplident = 'd' AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)), false) FROM parts JOIN pg_class c USING (oid)"""
END = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END"
WRITTEN = "SELECT %s::pg_lsn - confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s"
WAL_UNIT, LEAST_WAL = "bytes of WAL", 10_000


def run(bench):
    names = bench.options.table
    check(bench, names)
    publish(bench, names)
    measure_rows(bench, names)
    if bench.options.replication:
        measure_changes(bench, names, bench.options.replication)


def check(bench, names):
    for name in names:
        if not bench.value("SELECT to_regclass(%s) IS NOT NULL", (tables.quoted(name),)):
            sys.exit(f"--table {name}: there is no such table; the name is SCHEMA.TABLE, in the case that the database has it in")
        if not bench.value("SELECT has_table_privilege(%s, 'SELECT')", (tables.quoted(name),)):
            sys.exit(f"--table {name}: this user may not read it; GRANT SELECT on it")


def publish(bench, names):
    if not bench.place.own_publication:
        return
    for name in names:
        if bench.value(WITHOUT_IDENTITY, (tables.quoted(name),)):
            sys.exit(f"--table {name}: it, or a partition of it, has no replica identity: publishing it would make the application's"
                     " UPDATE and DELETE fail. Give it a primary key or a replica identity, or leave it out")
    via_root = " WITH (publish_via_partition_root = true)" if bench.connection.server_version >= 130000 else ""
    try:
        bench.execute(f"CREATE PUBLICATION {bench.place.publication} FOR TABLE {', '.join(map(tables.quoted, names))}{via_root}")
    except psycopg2.errors.InsufficientPrivilege as error:
        sys.exit(f"No publication can be made: {str(error).strip()}. Name one that has these tables with --publication, or use a"
                 " user that owns them and may CREATE in the database")


def measure_rows(bench, names):
    rows = bench.count(bench.tool("psql", "own", "-X", "-q", *backfill.copies(bench, names, "text")), b"\n")
    bench.say(f"{len(names)} tables with {rows} rows")
    captured = []
    capture = backfill.capturing(bench, names)
    capture(lambda command: captured.append(bench.count(command)))("own")
    if captured != [rows]:
        bench.say(f"psql COPY gave {rows} rows, the capture {captured[0]} records: that is right if the tables are being written to")
    bench.words = {"mode": "backfill", "count": rows}
    readers = {**backfill.limits(bench, names), **backfill.connectors(bench, names)}
    if any("Flow" in each for each in bench.options.reader):
        readers.update(flow_runtime.readers(bench, bench.with_slot, names, None, backfill_workers=1))
    readers.update({name: capture(bench.measure, program) for name, program in bench.programs()})
    bench.in_turn("backfill.own", max(1, rows), readers)


def measure_changes(bench, names, seconds):
    """What one slot has gathered is read by each with a copy of it. What is written meanwhile is read too: rates are compared."""
    source = bench.new_slot()
    bench.say(f"gathering changes for {seconds:g} s")
    time.sleep(seconds)
    if bench.value(WRITTEN, (bench.value(END), source)) < LEAST_WAL:
        bench.say("hardly anything was written meanwhile: replication is not measured")
        bench.drop_slot(source)
        return

    def reading(command, plugin="pgoutput"):
        def once(transport, slot):
            end = bench.value(END)
            written = int(bench.value(WRITTEN, (end, slot)))
            return (*bench.measure(command(transport, slot, end)), None, max(1, written))
        return bench.with_slot(once, source, plugin)

    def capture(program=None, **options):
        return reading(lambda transport, slot, _: bench.capture(program, transport, slot, names, skip_backfills="*.*", **options),
                       plugin_of(program))

    bench.words = {"mode": "replication", "count": 0}
    readers = {"pg_recvlogical, pgoutput": reading(lambda transport, slot, end: replication.recvlogical(
        bench, transport, slot, end, *replication.pgoutput(bench)))}
    readers.update({"source-postgres": capture(), "source-postgres, Airbyte look": capture(airbyte=True),
                    **{name: capture(program) for name, program in bench.programs()}})
    bench.in_turn("replication.own", None, readers, WAL_UNIT)
    bench.drop_slot(source)
