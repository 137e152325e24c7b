"""Reading the same WAL again and again: a slot is made before it is written, and copied for each run."""

import psycopg2

import flow_runtime
import tables
import tpcc
import workloads
from bench import each_statement, plugin_of

PER_TRANSACTION = 100


class Work:
    """Changes to tables: what makes the tables, and the statement that makes `count` changes; if that is None, it returns how many."""

    def __init__(self, names, statements, count, statement):
        self.names, self.statements, self.count, self.statement = names, statements, count, statement


def one_table(shape, rows, before, count, statement):
    return Work(["work"], tables.create(shape, rows, "work", before), count, statement)


def loop(count, per_transaction, body):
    """`body` for each transaction, which makes the changes m .. m + per_transaction - 1."""
    return (f"DO $$ DECLARE m bigint; BEGIN FOR i IN 0..{count // per_transaction - 1} LOOP"
            f" m := 1 + i * {per_transaction}; {body}; COMMIT; END LOOP; END $$")


def inserts(shape, rows, count, per_transaction=PER_TRANSACTION):
    body = f"INSERT INTO work {rows}{tables.series('m', f'm + {per_transaction - 1}')}"
    return one_table(shape, rows, 0, count, loop(count, per_transaction, body))


def insert_at_once(shape, rows, count):
    return one_table(shape, rows, 0, count, f"INSERT INTO work {rows}{tables.series(1, count)}")


def updates(shape, rows, before, count, per_transaction, change):
    body = (f"UPDATE work SET {change} WHERE id BETWEEN 1 + (m - 1) % {before}"
            f" AND (m - 1) % {before} + {per_transaction}")
    return one_table(shape, rows, before, count, loop(count, per_transaction, body))


def of_workloads(bench):
    def transactions():
        names, statements, statement = tpcc.make(bench)
        return Work(names, statements, None, statement)
    users, cart = (workloads.USERS, workloads.USERS_ROWS), (workloads.CART, workloads.CART_ROWS)
    rows = bench.scaled(workloads.ROWS)
    batch = min(rows, workloads.BATCH)
    return bench.of_workloads({
        "replication.users": ("inserts in one transaction", lambda: insert_at_once(*users, rows)),
        "replication.cart": (f"inserts, {batch} a transaction", lambda: inserts(*cart, rows // batch * batch, batch)),
        "replication.tpcc": ("mixed transactions", transactions),
    })


def works(bench):
    """{subject: (title, () -> Work)}"""
    if bench.options.workload:
        return of_workloads(bench)
    narrow, wide = (tables.NARROW, tables.NARROW_ROWS), (tables.WIDE, tables.WIDE_ROWS)
    hundreds = lambda count: bench.scaled(count) // PER_TRANSACTION * PER_TRANSACTION  # noqa: E731
    few = hundreds(100_000)
    return {
        "replication.A": ("inserts, 100 a transaction", lambda: inserts(*narrow, hundreds(1_000_000))),
        "replication.B1": ("transactions of a single update", lambda: updates(
            *narrow, few, bench.scaled(300_000), 1, "number = number + 1")),
        "replication.B2": ("updates, 100 a transaction", lambda: updates(
            *narrow, few, hundreds(1_000_000), PER_TRANSACTION, "number = number + 1")),
        "replication.C": ("inserts in one transaction", lambda: insert_at_once(*narrow, bench.scaled(1_500_000))),
        "replication.D": ("wide inserts, 100 a transaction", lambda: inserts(*wide, hundreds(250_000))),
        "replication.E": ("wide updates, 100 a transaction", lambda: updates(
            *wide, few, hundreds(250_000), PER_TRANSACTION, "done = NOT done")),
    }


def run(bench):
    for subject, (title, make) in works(bench).items():
        if bench.wants(subject):
            measure(bench, subject, title, make())


def measure(bench, subject, title, work):
    bench.say(f"{subject}: making the WAL of {title}")
    each_statement(bench, *work.statements)
    bench.publish(work.names)
    source = bench.new_slot()
    returned = each_statement(bench, work.statement)
    count = work.count or returned
    bench.words = {"mode": "replication", "count": count}
    end = bench.value("SELECT pg_current_wal_insert_lsn()")
    bench.value("SELECT pg_logical_emit_message(true, 'bench', 'behind the end')")

    def with_slot(act, plugin="pgoutput"):
        return bench.with_slot(act, source, plugin)

    def recv(*options):
        return lambda transport, slot: bench.measure(recvlogical(bench, transport, slot, end, *options))

    def capture(act, program=None, **options):
        return lambda transport, slot: act(bench.capture(program, transport, slot, work.names, skip_backfills="*.*", **options))

    readers = {"pg_recvlogical, pgoutput": with_slot(recv(*pgoutput(bench)))}
    if has_wal2json(bench):
        readers["pg_recvlogical, wal2json"] = with_slot(recv("-o", "format-version=2"), "wal2json")
    readers["source-postgres"] = with_slot(capture(bench.measure))
    readers["source-postgres, Airbyte look"] = with_slot(capture(bench.measure, airbyte=True))
    readers.update(flow_runtime.readers(bench, with_slot, work.names, count, skip_backfills="*.*"))
    for name, program in bench.programs():
        readers[name] = with_slot(capture(bench.measure, program), plugin_of(program))
    with_slot(capture(lambda command: bench.check_count(command, count)))(bench.transports[0])
    bench.in_turn(subject, count, readers)
    bench.drop_slot(source)
    each_statement(bench, tables.drop(work.names))


def recvlogical(bench, transport, slot, end, *options):
    return bench.tool("pg_recvlogical", transport, "--slot", slot, "--start", "--no-loop", "--endpos", end, "-f", "-", *options)


def pgoutput(bench):
    return "-o", "proto_version=1", "-o", f"publication_names={bench.place.publication}"


def has_wal2json(bench):
    try:
        bench.drop_slot(bench.new_slot(plugin="wal2json"))
        return True
    except psycopg2.Error:
        return False
