"""One large transaction, which the server sends while it is open, or keeps until its COMMIT: how long after the COMMIT its records come.

A row that is committed before it shows that the capture reads, and one that is committed behind it that nothing of it is still to come.
"""

import shlex
import statistics
import time
from contextlib import closing

import measured
import tables
from bench import plugin_of
from tail import Tail, transports

SINCE = 140000  # before it no server sends a transaction that is open
ROWS, STATEMENTS = 1_500_000, 15
WORK_MEM_KIB, LEAST_WORK_MEM_KIB = 65_536, 64  # the default, and the least that the server takes
NAME = "open_transaction"
BEFORE, ROW, BEHIND = b"a row before", b"label of row ", b"a row behind"  # what stands in each record once
SENT = """SELECT coalesce(bool_or(r.sent_lsn >= %s), false) FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
    WHERE s.slot_name = %s"""
STREAMED = "SELECT coalesce(max(stream_txns), 0) FROM pg_stat_replication_slots WHERE slot_name = %s"
STREAMING = {"sent while it is open": True, "sent after its COMMIT (stream_open_transactions false)": False}


class Records(Tail):
    """Those of the transaction, by the text that all its rows have."""

    def __init__(self, bench, program, transport, slot, **advanced):
        self.count, self.first, self.last, self.seen = 0, None, None, set()
        super().__init__(bench, program, transport, slot, [NAME], **advanced)

    def take(self, lines, now):
        found = lines.count(ROW)
        if found:
            self.first, self.last = self.first or now, now
            self.count += found
        self.seen.update(label for label in (BEFORE, BEHIND) if label in lines)

    def wait_for(self, label):
        self.wait_until(lambda: label in self.seen, lambda: f"`{label.decode()}` did not come; {self.count} records of the transaction did")


def insert_one(bench, key, label):
    bench.execute(f"INSERT INTO {NAME} VALUES ({key}, 0, '{label.decode()}', now(), 0)")


def keep_up(bench, tail, slot):
    """Until the server has gone through all that is written. A commit makes it visible to it at once."""
    written = bench.value("SELECT pg_logical_emit_message(true, 'bench', 'behind a statement')")
    tail.wait_until(lambda: bench.value(SENT, (written, slot)), lambda: f"the server has not gone through the WAL up to {written}")


def transact(bench, tail, slot, per_statement):
    """Returns when the COMMIT did."""
    with closing(bench.place.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for n in range(STATEMENTS):
            cursor.execute(f"INSERT INTO {NAME} {tables.NARROW_ROWS}{tables.series(n * per_statement + 1, (n + 1) * per_statement)}")
            keep_up(bench, tail, slot)
        cursor.execute("COMMIT")
        return time.time()


def run_one(bench, program, transport, slot, per_statement, **advanced):
    tail = Records(bench, program, transport, slot, **advanced)
    try:
        insert_one(bench, -1, BEFORE)
        tail.wait_for(BEFORE)
        committed = transact(bench, tail, slot, per_statement)
        insert_one(bench, 0, BEHIND)
        tail.wait_for(BEHIND)
        peak_mib = measured.memory_peak_kib(tail.process.pid) / 1024
    finally:
        tail.stop()
    if tail.count != per_statement * STATEMENTS:
        raise RuntimeError(f"{shlex.join(tail.process.args)}\nprinted {tail.count} records of a transaction, not {per_statement * STATEMENTS}")
    return {"first_s": tail.first - committed, "last_s": tail.last - committed, "peak_mib": peak_mib}


def check_streaming(bench, slot, wanted):
    """Else the figures would be of something else."""
    if bool(bench.value(STREAMED, (slot,))) != wanted:
        raise RuntimeError(f"the transaction was {'not ' if wanted else ''}sent while it was open")


def readers(bench, per_statement):
    """{name: run(transport)}"""
    def connector(streaming):
        def act(transport, slot):
            took = run_one(bench, None, transport, slot, per_statement, stream_open_transactions=streaming)
            check_streaming(bench, slot, streaming)
            return took
        return act

    def other(program):
        return bench.with_slot(lambda transport, slot: run_one(bench, program, transport, slot, per_statement), plugin=plugin_of(program))

    return {**{f"source-postgres, {how}": bench.with_slot(connector(streaming)) for how, streaming in STREAMING.items()},
            **{name: other(program) for name, program in bench.programs()}}


def measure(bench, transport, per_statement, work_mem_kib):
    figures = {name: [] for name in readers(bench, per_statement)}
    for _ in range(bench.rounds):
        for name, run_reader in readers(bench, per_statement).items():
            bench.say(f"an open transaction, {name}, over {transport}")
            bench.execute(f"TRUNCATE {NAME}")
            figures[name].append(run_reader(transport))
    for name, rounds in figures.items():
        first, last = ([each[figure] for each in rounds] for figure in ("first_s", "last_s"))
        bench.results.append({
            "subject": NAME, "transport": transport, "reader": name, "records": per_statement * STATEMENTS, "statements": STATEMENTS,
            "logical_decoding_work_mem_kib": work_mem_kib, "first_s": round(statistics.median(first), 4),
            "last_s": round(statistics.median(last), 4), "peak_mib": round(max(each["peak_mib"] for each in rounds), 1),
            "rounds_first_s": [round(each, 4) for each in first], "rounds_last_s": [round(each, 4) for each in last]})


def run(bench):
    if bench.options.workload or not bench.wants(NAME):
        return
    if bench.connection.server_version < SINCE:
        bench.say("no open transaction is sent before PostgreSQL 14: not measured")
        return
    work_mem_kib = max(LEAST_WORK_MEM_KIB, int(WORK_MEM_KIB * min(1, bench.scale)))  # at a smaller scale as small a part of the transaction
    database = bench.connection.info.dbname
    bench.execute(tables.NARROW.format(name=NAME), f"ALTER DATABASE {database} SET logical_decoding_work_mem = {work_mem_kib}")
    bench.publish([NAME])
    bench.words = {"mode": "latency", "count": 0}
    for transport in transports(bench):
        measure(bench, transport, bench.scaled(ROWS, STATEMENTS) // STATEMENTS, work_mem_kib)
    bench.execute(f"ALTER DATABASE {database} RESET logical_decoding_work_mem", tables.drop([NAME]))
