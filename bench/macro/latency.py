"""From commit to standard output at half of what is the most, and what an idle capture costs.

The most is what comes out of a writer that does all that it can, or the most of less that does not fall behind: over
TCP a server that has a backlog sends many changes in a packet, and one that keeps up sends each by itself, which costs it more.
The last row of each transaction holds the time just before its commit. The reader of the connector's output
notes when the record came; both clocks are this machine's.
"""

import datetime
import re
import statistics
import time
from contextlib import closing

from bench import plugin_of
from tail import Tail, transports
from watch import MOMENTS, Watch, cpu_ns

LABEL = "twenty characters ok"
# As programs print it: {"sent":"2026-11-29T01:02:03.4Z"}, or {"name":"sent",…,"value":"2026-11-29 01:02:03.4+00"} as the server does.
SENT = re.compile(rb'"sent"[^{}]{1,60}?"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|\+00(?::00)?)"')
SETTLE_S = 2
BEHIND_MS, STEP = 100, 0.8  # a last change that is so late was more than can be kept up with: then so much less

TABLE = "CREATE TABLE latency (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sent timestamptz, label text NOT NULL)"
LOAD = f"""CREATE PROCEDURE load(per_transaction int, seconds float8, per_second float8, INOUT changes bigint) LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz := clock_timestamp();
    elapsed float8 := 0;
BEGIN
    changes := 0;
    WHILE elapsed < seconds LOOP
        IF per_transaction > 1 THEN
            INSERT INTO latency (label) SELECT '{LABEL}' FROM generate_series(2, per_transaction);
        END IF;
        INSERT INTO latency (sent, label) VALUES (clock_timestamp(), '{LABEL}');
        COMMIT;
        changes := changes + per_transaction;
        elapsed := extract(epoch FROM clock_timestamp() - begun);
        IF changes / per_second > elapsed THEN
            PERFORM pg_sleep(changes / per_second - elapsed);
        END IF;
    END LOOP;
END $$"""


class Delays(Tail):
    """Of each transaction that a capture prints: how late it came, and when."""

    def __init__(self, bench, program, transport, slot):
        self.delays_ms, self.came = [], []
        super().__init__(bench, program, transport, slot, ["latency"])

    def take(self, lines, now):
        for sent in SENT.findall(lines):
            self.came.append(now)
            self.delays_ms.append((now - seconds(sent)) * 1000)

    def wait_for(self, count):
        self.wait_until(lambda: len(self.delays_ms) >= count, lambda: f"{len(self.delays_ms)} of {count} transactions came out")


def seconds(sent):
    whole, _, fraction = sent.decode().partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return at.timestamp() + float(f"0.{fraction or 0}")


def load(bench, per_transaction, duration_s, per_second):
    """Returns the number of changes, and when the first was made."""
    begun = time.time()
    with closing(bench.place.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CALL load(%s, %s, %s, 0)", (per_transaction, duration_s, per_second))
        return cursor.fetchone()[0], begun


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def delays_of(bench, tail, per_transaction, duration_s, per_second):
    """Of each transaction; with what came out a second."""
    before = len(tail.delays_ms)
    changes, begun = load(bench, per_transaction, duration_s, per_second)
    tail.wait_for(before + changes // per_transaction)
    return tail.delays_ms[before:], changes / (tail.came[-1] - begun)


def find_most(bench, tail, per_transaction, duration_s):
    _, most = delays_of(bench, tail, per_transaction, duration_s, 1e12)
    while delays_of(bench, tail, per_transaction, duration_s, most)[0][-1] > BEHIND_MS:
        most *= STEP
    return most


def measure_delay(bench, tail, per_transaction, duration_s):
    most = find_most(bench, tail, per_transaction, duration_s / 3)
    before = len(tail.came)
    with Watch(tail.process.pid, duration_s / MOMENTS) as watch:
        delays, came = delays_of(bench, tail, per_transaction, duration_s, most / 2)
    return {"most_per_second": round(most), "load_per_second": round(came), "transactions": len(delays),
            **{name: round(percentile(delays, share), 2)
               for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999))},
            "series": watch.series(tail.came[before:], delays)}


def median_of(rounds):
    """Of the curves the last."""
    return {name: rounds[-1][name] if name == "series" else statistics.median_high(one[name] for one in rounds) for name in rounds[0]}


def idle_percent(tail, duration_s):
    begun, before_ns = time.monotonic(), cpu_ns(tail.process.pid)
    time.sleep(duration_s)
    return (cpu_ns(tail.process.pid) - before_ns) / 1e7 / (time.monotonic() - begun)


def measure(bench, name, program, transport, duration_s):
    """A connection for each round."""
    rounds, idle = {100: [], 1: []}, []
    for _ in range(bench.rounds):
        slot = bench.new_slot(plugin=plugin_of(program))
        tail = Delays(bench, program, transport, slot)
        try:
            load(bench, 1, 0.1, 100)
            tail.wait_for(1)
            for per_transaction, figures in rounds.items():
                bench.say(f"latency of {name} over {transport}, {per_transaction} a transaction")
                figures.append(measure_delay(bench, tail, per_transaction, duration_s))
            bench.say(f"{name}, idle")
            time.sleep(SETTLE_S)
            idle.append(idle_percent(tail, duration_s))
        finally:
            tail.stop()
            bench.drop_slot(slot)
    for per_transaction, figures in rounds.items():
        bench.results.append({"subject": "latency", "transport": transport, "reader": name, "per_transaction": per_transaction, **median_of(figures)})
    bench.results.append({"subject": "idle", "transport": transport, "reader": name, "seconds": duration_s,
                          "cpu_percent": round(statistics.median(idle), 3)})


def run(bench):
    if bench.options.workload or not bench.wants("latency"):
        return
    bench.execute(TABLE, LOAD)
    bench.publish(["latency"])
    bench.words = {"mode": "latency", "count": 0}
    duration_s = min(6, max(1, 6 * bench.scale))
    for transport in transports(bench):
        for name, program in [("source-postgres", None), *bench.programs()]:
            measure(bench, name, program, transport, duration_s)
