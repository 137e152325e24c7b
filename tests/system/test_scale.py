"""Many rows and many changes: complete, in order, in bounded memory.

SYSTEM_ROWS sets how many (100,000 by default; the full measure is 1,000,000).
"""

import json
import os
import time

import pytest

from connector import PATIENCE

ROWS = int(os.environ.get("SYSTEM_ROWS", "100000"))
LIMIT_S = (60 + ROWS / 5000) * PATIENCE
PEAK_MIB = 128

pytestmark = [pytest.mark.long, pytest.mark.limit(2 * (60 + ROWS / 5000))]


class Sequence:
    """Takes messages one by one, and expects the ids of records to be 1, 2, 3 … with their checksums."""

    def __init__(self, operation, snapshot):
        self.operation, self.snapshot = operation, snapshot
        self.last = 0
        self.wrong = []
        self.states = []

    def __call__(self, message):
        if message["type"] == "STATE":
            self.states.append(message["state"])
        if message["type"] != "RECORD":
            return
        data = message["record"]["data"]
        meta = data["_meta"]
        right = (data["id"] == self.last + 1 and data["text"] == f"row {data['id']}" and meta["op"] == self.operation
                 and meta["source"].get("snapshot", False) == self.snapshot)
        if not right and len(self.wrong) < 5:
            self.wrong.append(message)
        self.last += 1


def read(one, sequence):
    process = one.start(consumer=sequence).succeed(LIMIT_S)
    assert not sequence.wrong, sequence.wrong
    assert sequence.last == ROWS
    peak_mib = process.peak_kib / 1024
    print(f"{ROWS} records, peak {peak_mib:.1f} MiB")
    assert peak_mib < PEAK_MIB or PATIENCE > 1, f"peak memory {peak_mib:.1f} MiB"
    one.state = sequence.states[-1:]


def test_a_large_table(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, text text, at timestamptz DEFAULT now(), amount numeric)",
                     f"INSERT INTO t SELECT n, 'row ' || n, now(), n / 100.0 FROM generate_series(1, {ROWS}) n")
    read(capture(["t"]), Sequence("c", True))


def test_many_changes(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, text text, at timestamptz DEFAULT now(), amount numeric)")
    one = capture(["t"])
    one.run()
    database.execute(f"""DO $$ BEGIN FOR n IN 0..{ROWS // 100 - 1} LOOP
        INSERT INTO t SELECT n * 100 + m, 'row ' || n * 100 + m, now(), m / 100.0 FROM generate_series(1, 100) m; COMMIT;
        END LOOP; END $$""")
    read(one, Sequence("c", False))


def test_one_large_transaction(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, text text)")
    one = capture(["t"])
    one.run()
    database.execute(f"INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, {ROWS}) n")
    read(one, Sequence("c", False))


def test_wide_rows_stay_within_the_memory_budget(database, capture):
    """A chunk of 50,000 such rows would be 5 GB: chunks are cut by bytes."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, text text, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     "INSERT INTO t SELECT n, 'row ' || n, repeat('x', 100000) FROM generate_series(1, 3000) n")
    process = capture(["t"]).start(consumer=lambda message: None).succeed(LIMIT_S)
    assert process.peak_kib / 1024 < PEAK_MIB or PATIENCE > 1, f"peak memory {process.peak_kib / 1024:.1f} MiB"


def test_a_value_of_100_megabytes_takes_its_own_size(database, capture, tmp_path):
    """While one is printed, the next one may be read."""
    size = 100 * 1024 * 1024
    database.execute("CREATE TABLE t (id int PRIMARY KEY, big text, small text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     f"INSERT INTO t VALUES (1, repeat('y', {size}), 'a'), (2, repeat('\"', 1000), 'b'), (3, repeat('z', {size}), 'c')")
    one = capture(["t"])
    sizes, peaks = [], []
    for changes in ([], ["UPDATE t SET big = big || 'x' WHERE id <> 3"]):
        database.execute(*changes)
        with open(tmp_path / "out", "wb") as out:
            peaks.append(one.start(stdout=out).succeed(LIMIT_S).peak_kib / 1024)
        with open(tmp_path / "out", "rb") as out:
            for message in map(json.loads, out):
                if message["type"] == "RECORD":
                    sizes.append(len(message["record"]["data"]["big"]))
                if message["type"] == "STATE":
                    one.state = [message["state"]]
    assert sizes == [size, 1000, size, size + 1, 1001]
    print(f"peaks {peaks} MiB")
    assert max(peaks) < PEAK_MIB + 2 * 100 or PATIENCE > 1, f"peak memory {peaks} MiB"


def test_workers_share_the_memory_budget(database, capture):
    """The output is not read, so workers read as much as they may."""
    for name in "tuvw":
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, big text)", f"ALTER TABLE {name} ALTER big SET STORAGE EXTERNAL",
                         f"INSERT INTO {name} SELECT n, repeat('x', 100000) FROM generate_series(1, 600) n")
    process = capture(list("tuvw"), advanced={"backfill_workers": 4}).start(consumer=lambda message: None)
    process.reading.clear()
    time.sleep(2)
    process.reading.set()
    process.succeed(LIMIT_S)
    assert process.peak_kib / 1024 < PEAK_MIB or PATIENCE > 1, f"peak memory {process.peak_kib / 1024:.1f} MiB"


def resident_mib(process):
    with open(f"/proc/{process.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def wait_for_size(path, size):
    deadline = time.monotonic() + 60 * PATIENCE
    while os.path.getsize(path) < size:
        assert time.monotonic() < deadline, f"{os.path.getsize(path)} bytes came, and not {size}"
        time.sleep(0.1)


@pytest.mark.limit(240)
def test_the_room_of_a_large_value_is_given_back(database, capture, tmp_path):
    """One by each path; later rows are small."""
    large, path = 100_000_000, tmp_path / "records"
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", f"INSERT INTO t SELECT 1, repeat('x', {large})")
    one = capture(["t"], tail=True)
    with open(path, "wb") as file:
        process = one.start(stdout=file)
        wait_for_size(path, large)
        database.execute(f"INSERT INTO t SELECT 2, repeat('x', {large})")
        wait_for_size(path, 2 * large)
        database.execute("INSERT INTO t SELECT n, repeat('y', 5000) FROM generate_series(3, 2000) n")
        wait_for_size(path, 2 * large + 1990 * 5000)
        resident = resident_mib(process)
        print(f"resident {resident:.1f} MiB of a peak of {process.peak_kib / 1024:.1f}")
        process.process.terminate()
        process.succeed()
    assert resident < PEAK_MIB / 2 or PATIENCE > 1
