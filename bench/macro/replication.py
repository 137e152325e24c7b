"""Reading the same WAL again and again: a slot is made before it is written, and copied for each run."""

import psycopg2

import flow_runtime
import tables
from bench import PUBLICATION, each_statement

PER_TRANSACTION = 100


class Work:
    """Changes to one table: what it holds before, and the statement that makes `count` changes."""

    def __init__(self, shape, rows, before, count, statement):
        self.shape, self.rows, self.before, self.count, self.statement = shape, rows, before, count, statement


def loop(count, per_transaction, body):
    """`body` for each transaction, which makes the changes m .. m + per_transaction - 1."""
    return (f"DO $$ DECLARE m bigint; BEGIN FOR i IN 0..{count // per_transaction - 1} LOOP"
            f" m := 1 + i * {per_transaction}; {body}; COMMIT; END LOOP; END $$")


def inserts(shape, rows, count):
    body = f"INSERT INTO work {rows}{tables.series('m', f'm + {PER_TRANSACTION - 1}')}"
    return Work(shape, rows, 0, count, loop(count, PER_TRANSACTION, body))


def updates(shape, rows, before, count, per_transaction, change):
    body = (f"UPDATE work SET {change} WHERE id BETWEEN 1 + (m - 1) % {before}"
            f" AND (m - 1) % {before} + {per_transaction}")
    return Work(shape, rows, before, count, loop(count, per_transaction, body))


def works(bench):
    narrow, wide = (tables.NARROW, tables.NARROW_ROWS), (tables.WIDE, tables.WIDE_ROWS)
    hundreds = lambda count: bench.scaled(count) // PER_TRANSACTION * PER_TRANSACTION  # noqa: E731
    few = hundreds(100_000)
    return {
        "replication.A": ("inserts, 100 a transaction", lambda: inserts(*narrow, hundreds(1_000_000))),
        "replication.B1": ("transactions of a single update", lambda: updates(
            *narrow, few, bench.scaled(300_000), 1, "number = number + 1")),
        "replication.B2": ("updates, 100 a transaction", lambda: updates(
            *narrow, few, hundreds(1_000_000), PER_TRANSACTION, "number = number + 1")),
        "replication.C": ("inserts in one transaction", lambda: Work(
            *narrow, 0, bench.scaled(1_500_000),
            f"INSERT INTO work {tables.NARROW_ROWS}{tables.series(1, bench.scaled(1_500_000))}")),
        "replication.D": ("wide inserts, 100 a transaction", lambda: inserts(*wide, hundreds(250_000))),
        "replication.E": ("wide updates, 100 a transaction", lambda: updates(
            *wide, few, hundreds(250_000), PER_TRANSACTION, "done = NOT done")),
    }


def run(bench):
    for subject, (title, make) in works(bench).items():
        if bench.wants(subject):
            measure(bench, subject, title, make())


def measure(bench, subject, title, work):
    bench.say(f"{subject}: making the WAL of {work.count} {title}")
    each_statement(bench, *tables.create(work.shape, work.rows, "work", work.before))
    bench.publish(["work"])
    source = bench.new_slot()
    each_statement(bench, work.statement)
    end = bench.value("SELECT pg_current_wal_insert_lsn()")
    bench.value("SELECT pg_logical_emit_message(true, 'bench', 'behind the end')")

    def with_slot(act, plugin="pgoutput"):
        def once(transport):
            slot = bench.new_slot(source, plugin)
            try:
                return act(transport, slot)
            finally:
                bench.drop_slot(slot)
        return once

    def recvlogical(*options):
        return lambda transport, slot: bench.measure(bench.tool(
            "pg_recvlogical", transport, "--slot", slot, "--start", "--no-loop", "--endpos", end, "-f", "-", *options))

    def capture(act, program=None, **options):
        return lambda transport, slot: act(bench.capture(program, transport, slot, ["work"],
                                                         skip_backfills="public.work", **options))

    pgoutput = ("-o", "proto_version=1", "-o", f"publication_names={PUBLICATION}")
    readers = {"pg_recvlogical, pgoutput": with_slot(recvlogical(*pgoutput))}
    if has_wal2json(bench):
        readers["pg_recvlogical, wal2json"] = with_slot(recvlogical("-o", "format-version=2"), "wal2json")
    readers["source-postgres"] = with_slot(capture(bench.measure))
    readers["source-postgres, Airbyte look"] = with_slot(capture(bench.measure, airbyte=True))
    readers.update(flow_runtime.readers(bench, with_slot, ["work"], work.count, skip_backfills="public.work"))
    for name, program in bench.options.program:
        readers[name] = with_slot(capture(bench.measure, program))
    with_slot(capture(lambda command: bench.check_count(command, work.count)))(bench.transports[0])
    bench.in_turn(subject, work.count, readers)
    bench.drop_slot(source)
    each_statement(bench, tables.drop(["work"]))


def has_wal2json(bench):
    try:
        bench.drop_slot(bench.new_slot(plugin="wal2json"))
        return True
    except psycopg2.Error:
        return False
