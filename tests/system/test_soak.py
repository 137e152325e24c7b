"""One process that lives through mixed load, lost connections, a consumer that stalls, and changes of its tables: its
memory, descriptors and threads stay as they are, its lag goes back to nothing, and its records add up.

SOAK_SECONDS is the duration (default 15), SOAK_SEED replays the decisions, SOAK_UNDER names a program to run it under,
as in SOAK_UNDER="valgrind --leak-check=full --error-exitcode=9".
"""

import os
import random
import signal
import time
from contextlib import closing

import pytest

import chaos_ddl
from again import SOON
from capture import Spilled
from chaos import StubbornWriter, lost_connection
from connector import PATIENCE, executable, whole
from kinds import TYPES, changes, create

SECONDS = float(os.environ.get("SOAK_SECONDS", "15"))
SEED = int(os.environ.get("SOAK_SEED", random.SystemRandom().randrange(1 << 32)))
KINDS = ("int", "text_icu")
ROWS = 2000
SLACK_KIB = 24 * 1024  # batches in the rings, which a stall fills


class Consumer:
    """Keeps the records before the last state in a file, and no others."""

    def __init__(self, path):
        self.records = Spilled(path)
        self.waiting, self.state = [], None

    def __call__(self, message):
        if message["type"] == "RECORD":
            self.waiting.append(message["record"])
        elif message["type"] == "STATE":
            for record in self.waiting:
                self.records.append(record)
            self.waiting, self.state = [], message["state"]

    def cursor(self):
        high, low = whole(self.state)["cursor"].split("/") if self.state else ("0", "0")
        return int(high, 16) << 32 | int(low, 16)


def sample(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    return {"memory": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]), "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


def trouble(process, database, chance):
    """Cut connections, or pause the consumer. If the snapshot for tables without key is lost, a capture ends, and is
    started again."""
    if chance.random() < 0.3:
        process.reading.clear()
        time.sleep(1 + chance.random())
        process.reading.set()
        return
    which = chance.choice(("backend_type = 'walsender'", "backend_type = 'client backend'"))
    database.end_sessions("source-postgres%", which)


def peak(samples, name):
    return max(one[name] for one in samples)


def check_flat(samples):
    """Nothing grows from the second third to the last."""
    third = len(samples) // 3
    middle, last = samples[third:-third], samples[-third:]
    shown = [{name: peak(part, name) for name in samples[0]} for part in (middle, last)]
    print("peaks of the second third and of the last:", shown)
    assert shown[1]["memory"] <= shown[0]["memory"] * 1.1 + SLACK_KIB, shown
    assert shown[1]["threads"] <= shown[0]["threads"], shown
    assert shown[1]["descriptors"] <= shown[0]["descriptors"] + 4, shown


def under(tmp_path):
    """The program, started by the one that SOAK_UNDER names."""
    path = tmp_path / "under.sh"
    path.write_text(f'#!/bin/sh\nexec {os.environ["SOAK_UNDER"]} {executable()} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.limit(SECONDS * 2 + 240)
def test_soak(tmp_path, database, capture, monkeypatch):
    print(f"SOAK_SEED={SEED} SOAK_SECONDS={SECONDS:g}")
    if database.connection.server_version < 130000:
        pytest.skip("partitioned tables are published from PostgreSQL 13 on")
    chance = random.Random(SEED)
    database.execute(*TYPES, f"CREATE PUBLICATION {database.publication} FOR ALL TABLES WITH (publish_via_partition_root = true)")
    keys = {f"t_{kind}": create(database, kind, f"t_{kind}", ROWS) for kind in KINDS}
    keys.update(chaos_ddl.create(database))
    upheaval = chaos_ddl.Upheaval(database, list(keys), chance.random(), lost_connection)
    made = [changes(kind, f"t_{kind}", ROWS) for kind in KINDS] + chaos_ddl.writers_changes()
    actors = [StubbornWriter(database, made, chance.random()) for _ in range(2)] + [upheaval]
    one = capture(list(keys), tail=True, advanced={"backfill_chunk_size": 100, **SOON})
    consumer = Consumer(tmp_path / "records.jsonl")
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8")  # which is to be full soon
    if os.environ.get("SOAK_UNDER"):
        monkeypatch.setenv("SOURCE_POSTGRES", under(tmp_path))
    process, samples = one.start(consumer=consumer), []
    process.wait_for(lambda run: "capturing " in run.stderr)  # a start ends by an error when its connection is cut
    try:
        for actor in actors:
            actor.start()
        live(process, database, chance, samples)
        for actor in actors:
            actor.stopping.set()
            actor.join(60)
            assert not actor.failure, actor.failure
        end(process, database, consumer)
    except BaseException:
        print(f"replay with SOAK_SEED={SEED}\n{process.stderr[-3000:]}")
        raise
    finally:
        for actor in actors:
            actor.stopping.set()
    check_flat(samples)
    finish(one, consumer)
    one.materialised(upheaval.oracles(keys)).assert_equal(database, f"SOAK_SEED={SEED}: ")
    print(f"{sum(actor.transactions for actor in actors[:2])} transactions, {len(consumer.records)} records, "
          f"{process.stderr.count('interrupted')} interruptions")


def finish(one, consumer):
    """A table may be about to be backfilled again: another process runs to the end of that."""
    one.records, one.state, one.tail = consumer.records, [consumer.state], False
    one.run(120)


def live(process, database, chance, samples):
    began = time.monotonic()
    next_trouble = began + 2
    while time.monotonic() - began < SECONDS:
        assert process.process.poll() is None, process.story()
        samples.append(sample(process.process.pid))
        time.sleep(0.2)
        if time.monotonic() >= next_trouble:
            trouble(process, database, chance)
            next_trouble = time.monotonic() + 1 + 2 * chance.random()


def end(process, database, consumer):
    """Wait until all that was written is out and covered by a state; then a signal ends it."""
    database.reconnect()
    database.execute("UPDATE t_int SET n = n + 1 WHERE k = 1")
    wanted = database.position()
    process.wait_for(lambda _: consumer.cursor() >= wanted, 60 * PATIENCE)
    process.process.send_signal(signal.SIGTERM)
    assert process.finish(20 * PATIENCE).process.returncode == 0, process.story()
