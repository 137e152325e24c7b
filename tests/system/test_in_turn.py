"""From a server that is far away a worker reads two ranges of a table in turn."""

import re
import time

import pytest

from far import FarProxy
from test_crash import crash_at, has_crash_points
from test_ranges import ranges, resume_again_and_again
from test_resume import changes, moves
from writer import Writer

ROWS = 40000
CHUNK = 500
ROUND_TRIP_S = 0.04
FAST_S = 0.004  # far enough


def make_items(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
                     f"INSERT INTO items SELECT n, 0, repeat('x', 100) FROM generate_series(1, {ROWS}) n")


def chunk_times_s(process):
    return [int(ms) / 1000 for ms in re.findall(r"read a chunk of public.items: .* in (\d+) ms", process.stderr)]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_next_chunk_is_asked_for_before_this_one_has_come(database, capture, monkeypatch, workers):
    make_items(database)
    monkeypatch.setenv("LOG_LEVEL", "debug")
    with FarProxy(database.server.port, ROUND_TRIP_S) as far:
        one = capture(["items"], port=far.port, advanced={"backfill_chunk_size": CHUNK, "backfill_workers": workers})
        process = one.run()
    times = chunk_times_s(process)
    assert len(times) >= ROWS / CHUNK
    assert max(ranges(process)) > workers
    assert sum(time_s < ROUND_TRIP_S / 2 for time_s in times) > len(times) / 5  # alone, each takes a round trip or more
    assert len(one.records) == ROWS
    one.assert_equal(items=["id"])


def test_a_server_that_is_near_is_read_in_the_order_of_the_key(database, capture):
    make_items(database)
    one = capture(["items"], advanced={"backfill_chunk_size": CHUNK, "backfill_workers": 1})
    assert max(ranges(one.run())) == 1
    assert [record["data"]["id"] for record in one.records] == list(range(1, ROWS + 1))


@pytest.mark.limit(240)
@pytest.mark.parametrize("make", [changes, moves])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_read_in_turn_is_resumed_exactly(database, capture, make, workers):
    make_items(database)
    with FarProxy(database.server.port, FAST_S) as far:
        advanced = {"backfill_chunk_size": CHUNK, "backfill_workers": workers}
        resume_again_and_again(database, capture(["items"], tail=True, port=far.port, advanced=advanced), make)


@pytest.mark.skipif(not has_crash_points(), reason="the connector was built without CRASH_POINTS")
@pytest.mark.parametrize("step", ["chunk-begun", "chunk-read", "watermark-written"])
def test_a_crash_between_two_turns_is_resumed_exactly(database, capture, monkeypatch, step):
    make_items(database)
    with FarProxy(database.server.port, FAST_S) as far:
        one = capture(["items"], tail=True, port=far.port, advanced={"backfill_chunk_size": CHUNK})
        with Writer(database, changes(rows=ROWS), 3, pause_s=0.003):
            for moment in (1, 2, 3, 4):
                crash_at(one, monkeypatch, step, moment)
        one.tail = False
        one.run()
        one.assert_equal(items=["id"])


def test_a_lost_session_gives_up_both_chunks(database, capture):
    """Both were asked for: both are read again, and by themselves."""
    make_items(database)
    with FarProxy(database.server.port, ROUND_TRIP_S) as far:
        one = capture(["items"], tail=True, port=far.port, advanced={"backfill_chunk_size": CHUNK})
        process = one.start()
        process.wait_for_state(after=1)
        for _ in range(3):
            time.sleep(0.3)
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE application_name LIKE 'source-postgres backfill %'")
        process.wait_for_records(ROWS)
        one.keep(process.stop())
        assert "backfill interrupted, will try again" in process.stderr
        one.tail = False
        one.run()
    assert len(one.records) == ROWS
    one.assert_equal(items=["id"])


def test_a_table_that_changes_between_two_turns(database, capture, monkeypatch):
    make_items(database)
    monkeypatch.setenv("LOG_LEVEL", "debug")
    with FarProxy(database.server.port, ROUND_TRIP_S) as far:
        one = capture(["items"], tail=True, port=far.port, advanced={"backfill_chunk_size": CHUNK})
        process = one.start()
        process.wait_for_state(after=2)
        database.execute("ALTER TABLE items ALTER name TYPE varchar", "UPDATE items SET n = 1 WHERE id % 100 = 0")
        process.wait_for(lambda run: "no longer read in turn" in run.stderr)
        one.keep(process.stop())
        one.tail = False
        one.run()
        one.assert_equal(items=["id"])


def test_a_chunk_that_is_cut_gives_up_the_one_behind_it(database, capture, monkeypatch):
    """The first chunk has narrow rows alone, so the next ones ask for many, which are wide."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)", "ALTER TABLE items ALTER name SET STORAGE EXTERNAL",
                     "INSERT INTO items SELECT n, 0, CASE WHEN n > 5000 THEN repeat('x', 3000) END FROM generate_series(1, 20000) n")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    with FarProxy(database.server.port, FAST_S) as far:
        one = capture(["items"], port=far.port)
        process = one.run()
    assert "no longer read in turn: a chunk was cut" in process.stderr
    assert "interrupted" not in process.stderr
    assert len(one.records) == 20000
    one.assert_equal(items=["id"])


def test_without_room_for_two_chunks(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)", "ALTER TABLE items ALTER name SET STORAGE EXTERNAL",
                     "INSERT INTO items SELECT n, 0, repeat('x', 200000) FROM generate_series(1, 400) n")
    with FarProxy(database.server.port, FAST_S) as far:
        one = capture(["items"], port=far.port, advanced={"memory_limit_mb": 16})
        process = one.run()
    assert "interrupted" not in process.stderr
    assert len(one.records) == 400
    one.assert_equal(items=["id"])


def test_a_query_that_takes_too_long_is_asked_again_for_fewer_rows(database, capture, monkeypatch):
    """The server looks up each function of which it prints the name and the arguments. The first chunk is quick."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, v regprocedure[])",
                     "INSERT INTO items SELECT n, CASE WHEN n > 2500 THEN (SELECT array_agg(oid::regprocedure) FROM"
                     " (SELECT oid FROM pg_proc LIMIT 400) p) END FROM generate_series(1, 8000) n")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    with FarProxy(database.server.port, FAST_S) as far:
        one = capture(["items"], port=far.port, advanced={"backfill_chunk_size": 2000, "statement_timeout": "50ms"})
        process = one.run()
    assert "no longer read in turn" in process.stderr
    assert "trying with fewer" in process.stderr
    assert sorted(record["data"]["id"] for record in one.records) == list(range(1, 8001))
