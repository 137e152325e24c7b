"""One large table read by several workers at once, each range resumable by itself."""

import glob
import os
import random
import re
import time

import pytest

from connector import PATIENCE, whole
from output_dir import OutputDirectory
from test_resume import changes, moves
from writer import Writer

ROWS = 20000
WORKERS = {"backfill_workers": 4, "backfill_chunk_size": 200}
KEYS = {
    "integer": ("id int PRIMARY KEY", "n", ["id"]),
    "uuid": ("id uuid PRIMARY KEY", "md5(n::text)::uuid", ["id"]),
    "collated text": ('id text COLLATE "en-x-icu" PRIMARY KEY', "md5(n::text)", ["id"]),
    "numeric": ("id numeric PRIMARY KEY", "n / 7.0", ["id"]),
    "composite": ("a int, id text, PRIMARY KEY (a, id)", "n % 3, n", ["a", "id"]),
}


def ranges(process, table="public.items"):
    """Of each state, how many ranges of the key are still to be read."""
    return [len(whole(state)["streams"][table].get("ranges", [])) for state in process.states]


def resume_again_and_again(database, one, make):
    """Kill the capture of `items` while it reads several ranges and a writer changes the table; then let it end."""
    chance = random.Random(5)
    several = 0
    with Writer(database, make(), 5, pause_s=0.002):
        for _ in range(6):
            process = one.start()
            process.wait_for_state(after=1)
            time.sleep(chance.uniform(0.0, 0.4) * PATIENCE)
            one.keep(process.kill())
            several += max(ranges(process)) > 1
    assert several
    one.tail = False
    one.run()
    one.assert_equal(items=["id"])


@pytest.mark.parametrize("kind", KEYS)
def test_ranges_hold_every_row_once(database, capture, kind):
    columns, values, key = KEYS[kind]
    database.execute(f"CREATE TABLE items ({columns}, name text)",
                     f"INSERT INTO items SELECT {values}, repeat('x', 100) FROM generate_series(1, {ROWS}) n")
    one = capture(["items"], advanced=WORKERS)
    process = one.run()
    assert len(one.records) == ROWS
    assert max(ranges(process)) > 2
    one.assert_equal(items=key)


def test_the_ranges_of_a_partitioned_table(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
                     f"CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO ({ROWS // 2})",
                     f"CREATE TABLE high PARTITION OF items FOR VALUES FROM ({ROWS // 2}) TO ({ROWS * 2})",
                     f"INSERT INTO items SELECT n, repeat('x', 100) FROM generate_series(1, {ROWS}) n",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES"
                     " WITH (publish_via_partition_root = true)")
    one = capture(["items"], advanced=WORKERS)
    assert max(ranges(one.run())) > 2
    assert len(one.records) == ROWS
    one.assert_equal(items=["id"])


def test_a_few_large_rows_are_worth_ranges_too(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, large text)", "ALTER TABLE items ALTER large SET STORAGE EXTERNAL",
                     "INSERT INTO items SELECT n, repeat(md5(n::text), 5000) FROM generate_series(1, 40) n")
    one = capture(["items"], advanced=WORKERS)
    assert int(re.search(r"(\d+) key ranges to backfill", one.run().stderr)[1]) > 4
    one.assert_equal(items=["id"])


@pytest.mark.limit(240)
@pytest.mark.parametrize("make", [changes, moves])
def test_ranges_are_resumed_each_by_itself(database, capture, make):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
                     f"INSERT INTO items SELECT n, 0, repeat('x', 100) FROM generate_series(1, {ROWS}) n")
    resume_again_and_again(database, capture(["items"], tail=True, advanced=WORKERS), make)


SHARED = {"backfill_workers": 4, "backfill_chunk_size": 5000}  # chunks of a megabyte; with four workers there are two printers


@pytest.fixture(name="large")
def large_table(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, name text)",
                     f"INSERT INTO items SELECT n, repeat('x', 200) FROM generate_series(1, {ROWS * 2}) n")
    return list(range(ROWS * 2))


def printers_of(process):
    return 1 + sum(open(path, encoding="ascii").read() == "printer\n" for path in glob.glob(f"/proc/{process.process.pid}/task/*/comm"))


def numbers(documents):
    return [document["_meta"]["source"]["loc"][1] for document in documents]


def test_chunks_that_several_threads_print_come_in_order(large, capture):
    one = capture(["items"], tail=True, advanced=SHARED)
    process = one.start().wait_for_records(len(large))
    assert printers_of(process) == min(2, len(os.sched_getaffinity(0)))
    one.keep(process.wait_for_active().stop())
    assert numbers(record["data"] for record in one.records) == large
    one.assert_equal(items=["id"])


def test_files_of_chunks_that_several_threads_print(large, capture):
    out = OutputDirectory(capture(["items"], tail=True, advanced=SHARED), "--compress", "zstd")
    out.run()
    assert numbers(out.committed("public.items")) == large
    out.assert_equal(items=["id"])
