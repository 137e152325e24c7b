"""Reading the rows that are there: COPY by psql beside the connector with one and two workers."""

import flow_runtime
import tables
from bench import each_statement


def make_one(shape, rows, name, count):
    return [name], count, tables.create(shape, rows, name, count)


def make_many(bench):
    names = [f"many_{n}" for n in range(max(2, int(100 * min(1, bench.scale))))]
    statements = [each for name in names
                  for each in tables.create(tables.NARROW, tables.NARROW_ROWS, name, tables.SMALL_ROWS)]
    return names, len(names) * tables.SMALL_ROWS, statements


def subjects(bench):
    return {
        "backfill.narrow": lambda: make_one(tables.NARROW, tables.NARROW_ROWS, "narrow", bench.scaled(6_000_000)),
        "backfill.wide": lambda: make_one(tables.WIDE, tables.WIDE_ROWS, "wide", bench.scaled(1_200_000)),
        "backfill.toast": lambda: make_one(tables.TOAST, tables.TOAST_ROWS, "toast", bench.scaled(2_000, 20)),
        "backfill.many": lambda: make_many(bench),
    }


def run(bench):
    for subject, make in subjects(bench).items():
        if bench.wants(subject):
            measure(bench, subject, *make())


def measure(bench, subject, names, rows, statements):
    bench.say(f"{subject}: filling {len(names)} tables with {rows} rows")
    each_statement(bench, *statements)
    bench.publish(names)

    def psql(form):
        copies = [word for name in names for word in ("-c", f"COPY {name} TO STDOUT (FORMAT {form})")]
        return lambda transport: bench.measure(bench.tool("psql", transport, "-X", "-q", *copies))

    def with_slot(act):
        def once(transport):
            slot = bench.new_slot()
            try:
                return act(transport, slot)
            finally:
                bench.drop_slot(slot)
        return once

    def capture(act, program=None, **options):
        return with_slot(lambda transport, slot: act(bench.capture(program, transport, slot, names, **options)))

    capture(lambda command: bench.check_count(command, rows))(bench.transports[0])
    bench.in_turn(subject, rows, {
        "psql COPY text": psql("text"),
        "psql COPY binary": psql("binary"),
        "source-postgres, 1 worker": capture(bench.measure, backfill_workers=1),
        "source-postgres, 2 workers": capture(bench.measure, backfill_workers=2),
        "source-postgres, 1 worker, Airbyte look": capture(bench.measure, backfill_workers=1, airbyte=True),
        **flow_runtime.readers(bench, with_slot, names, rows, backfill_workers=1),
        **{name: capture(bench.measure, program) for name, program in bench.options.program},
    })
    each_statement(bench, tables.drop(names))
