"""Reading the rows that are there: COPY by psql beside the connector with one and two workers."""

import flow_runtime
import tables
import workloads
from bench import each_statement, plugin_of


def make_one(shape, rows, name, count):
    return [name], count, tables.create(shape, rows, name, count)


def make_many(bench, count, rows):
    names = [f"many_{n}" for n in range(max(2, int(count * min(1, bench.scale))))]
    statements = [each for name in names for each in tables.create(tables.NARROW, tables.NARROW_ROWS, name, rows)]
    return names, len(names) * rows, statements


def subjects(bench):
    """{subject: () -> (names, rows or None, statements)}"""
    if bench.options.workload:
        return bench.of_workloads(workloads.backfills(bench))
    return {
        "backfill.narrow": lambda: make_one(tables.NARROW, tables.NARROW_ROWS, "narrow", bench.scaled(6_000_000)),
        "backfill.wide": lambda: make_one(tables.WIDE, tables.WIDE_ROWS, "wide", bench.scaled(1_200_000)),
        "backfill.toast": lambda: make_one(tables.TOAST, tables.TOAST_ROWS, "toast", bench.scaled(2_000, 20)),
        "backfill.many": lambda: make_many(bench, 100, 1000),
        "backfill.tiny": lambda: make_many(bench, 3000, 10),
    }


def run(bench):
    for subject, make in subjects(bench).items():
        if bench.wants(subject):
            fill(bench, subject, *make())


def fill(bench, subject, names, rows, statements):
    bench.say(f"{subject}: filling {len(names)} tables")
    each_statement(bench, *statements)
    rows = rows or sum(bench.value(f"SELECT count(*) FROM {name}") for name in names)
    bench.publish(names)
    capture = capturing(bench, names)
    capture(lambda command: bench.check_count(command, rows))(bench.transports[0])
    bench.words = {"mode": "backfill", "count": rows}
    bench.in_turn(subject, rows, {
        **limits(bench, names), **connectors(bench, names),
        **flow_runtime.readers(bench, bench.with_slot, names, rows, backfill_workers=1),
        **{name: capture(bench.measure, program) for name, program in bench.programs()},
    })
    each_statement(bench, tables.drop(names))


def copies(bench, names, form):
    """psql's words. Of a partitioned table only a query can be copied."""
    words = ["-c", "SET statement_timeout = 0", "-c", "SET row_security = off"]
    for name in names:
        whole = tables.quoted(name)
        if bench.value("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", (whole,)):
            whole = f"(SELECT * FROM {whole})"
        words += ["-c", f"COPY {whole} TO STDOUT (FORMAT {form})"]
    return words


def limits(bench, names):
    def psql(form):
        words = copies(bench, names, form)
        return lambda transport: bench.measure(bench.tool("psql", transport, "-X", "-q", *words))
    return {"psql COPY text": psql("text"), "psql COPY binary": psql("binary")}


def capturing(bench, names):
    """capture(act, program, option=...) -> run(transport), which gives act a command line with a slot of its own."""
    def capture(act, program=None, **options):
        return bench.with_slot(lambda transport, slot: act(bench.capture(program, transport, slot, names, **options)),
                               plugin=plugin_of(program))
    return capture


def connectors(bench, names):
    capture = capturing(bench, names)
    return {
        "source-postgres, 1 worker": capture(bench.measure, backfill_workers=1),
        "source-postgres, 2 workers": capture(bench.measure, backfill_workers=2),
        "source-postgres, 1 worker, Airbyte look": capture(bench.measure, backfill_workers=1, airbyte=True),
    }
