"""Continuing from the last state: after clean stops, after kill -9, with streams added and removed."""

import random
import time

import pytest

from again import kill_in_backfill
from capture import stream
from connector import PATIENCE
from writer import Writer

ITEMS = "CREATE TABLE items (id int PRIMARY KEY, n int, name text)"


def fill(rows, table="items"):
    return f"INSERT INTO {table} SELECT n, 0, repeat('x', 50) FROM generate_series(1, {rows}) n"


def changes(table="items", rows=20000):
    """Transactions of random inserts, updates and deletes."""

    def make(chance):
        statements = []
        for _ in range(chance.choice((1, 1, 3, 20))):
            key = chance.randint(1, rows)
            statements.append(chance.choice((
                f"UPDATE {table} SET n = n + 1 WHERE id = {key}",
                f"DELETE FROM {table} WHERE id = {key}",
                f"INSERT INTO {table} VALUES ({key}, -1, 'new') ON CONFLICT (id) DO UPDATE SET n = {table}.n + 100",
                f"INSERT INTO {table} SELECT id + {rows}, n, 'moved' FROM {table} WHERE id = {key}"
                " ON CONFLICT DO NOTHING",
            )))
        return statements

    return make


def moves(table="items", rows=20000):
    """Transactions that move a row to another key, over the row that was there."""

    def make(chance):
        old, new = chance.randint(1, rows), chance.randint(1, rows)
        return [f"DELETE FROM {table} WHERE id = {new}", f"UPDATE {table} SET id = {new}, n = n + 1 WHERE id = {old}"]

    return make


def test_nothing_is_repeated_after_a_clean_stop(database, capture):
    database.execute(ITEMS, fill(100))
    live = capture(["items"], tail=True)
    for number in range(3):
        process = live.start().wait_for_active()
        database.execute(f"UPDATE items SET n = n + 1 WHERE id = {number + 1}")
        process.wait_for(lambda run: any(record["data"]["_meta"]["op"] == "u" for record in run.records))
        process.wait_for(lambda run: run.records_before_last_state() == len(run.records)).stop()
        live.keep(process)
        database.execute(f"INSERT INTO items VALUES ({1000 + number}, 0, 'meanwhile')")
    live.tail = False
    live.run()
    assert len(live.records) == 100 + 3 + 3
    live.assert_equal(items=["id"])


def test_a_stop_in_the_middle_of_a_backfill_is_resumed(database, capture):
    database.execute(ITEMS, fill(20000))
    one = capture(["items"], tail=True, advanced={"backfill_chunk_size": 100})
    process = one.start().wait_for_state(after=500).stop()
    one.keep(process)
    assert 0 < len(one.records) < 20000
    one.tail = False
    one.run()
    assert len(one.records) == 20000
    one.assert_equal(items=["id"])


@pytest.mark.limit(240)
@pytest.mark.parametrize("seed", range(2))
def test_kill_at_any_moment_of_a_backfill_under_writes(database, capture, seed):
    database.execute(ITEMS, fill(20000))
    chance = random.Random(seed)
    one = capture(["items"], tail=True, advanced={"backfill_chunk_size": 500})
    with Writer(database, changes(), seed, 0.002, 0.8), Writer(database, moves(), seed + 100, 0.003):
        for _ in range(12):
            process = one.start()
            time.sleep(chance.uniform(0.02, 0.6) * PATIENCE)
            one.keep(process.kill())
    one.tail = False
    one.run()
    one.assert_equal(items=["id"])


def test_a_state_of_an_earlier_version_continues_within_its_backfill(database, capture):
    """It lacks the terms of its tables: they are taken from the tables as they are, and logged."""
    database.execute(ITEMS, fill(20000))
    one = capture(["items"], advanced={"backfill_chunk_size": 100})
    kill_in_backfill(one, 20000, table="items")
    settled = len(one.records)
    state = one.state[0]["global"]["stream_states"][0]["stream_state"]
    for member in ("terms", "generation"):
        state.pop(member, None)
    database.execute("UPDATE items SET n = 7 WHERE id IN (1, 20000)")
    process = one.run()
    assert settled > 0 and len(one.records) == 20000 + 1, "one row had come, and the other was still to be read"
    assert "is of an earlier version" in process.stderr
    one.assert_equal(items=["id"])
    one.run()
    assert "is of an earlier version" not in one.runs[-1].stderr


def test_kill_while_replicating(database, capture):
    database.execute(ITEMS, fill(2000))
    one = capture(["items"], tail=True)
    chance = random.Random(5)
    with Writer(database, changes(rows=2000), 1), Writer(database, moves(rows=2000), 2):
        for _ in range(8):
            process = one.start().wait_for_active()
            time.sleep(chance.uniform(0.0, 0.4))
            one.keep(process.kill())
    one.tail = False
    one.run()
    one.assert_equal(items=["id"])


def test_kill_before_the_first_state_loses_nothing(database, capture):
    database.execute(ITEMS, fill(5000))
    one = capture(["items"], tail=True, advanced={"backfill_chunk_size": 500})
    for pause in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15):
        process = one.start()
        time.sleep(pause)
        one.keep(process.kill())
        database.execute("UPDATE items SET n = n + 1 WHERE id % 100 = 0", "DELETE FROM items WHERE id = 7 + n")
    one.tail = False
    one.run()
    one.assert_equal(items=["id"])


def test_a_stream_that_is_added_is_backfilled_beside_the_others(database, capture):
    database.execute(ITEMS, fill(300), "CREATE TABLE more (id int PRIMARY KEY, n int, name text)", fill(200, "more"))
    one = capture(["items"])
    one.run()
    database.execute("UPDATE items SET n = 1 WHERE id <= 10", "UPDATE more SET n = 2 WHERE id <= 10")
    one.streams.append(stream("more"))
    process = one.run()
    assert len(process.records_of("items")) == 10 and len(process.records_of("more")) == 200
    one.assert_equal(items=["id"], more=["id"])


def test_a_stream_that_is_removed_is_forgotten_and_backfilled_again(database, capture):
    database.execute(ITEMS, fill(300), "CREATE TABLE more (id int PRIMARY KEY, n int, name text)", fill(200, "more"))
    one = capture(["items", "more"])
    one.run()
    both, one.streams = one.streams, one.streams[:1]
    database.execute("UPDATE more SET n = 1", "UPDATE items SET n = 1 WHERE id = 1")
    assert {record["stream"] for record in one.run().records} == {"items"}
    one.streams = both
    database.execute("DELETE FROM more WHERE id > 150")
    process = one.run()
    assert len(process.records_of("more")) == 150
    assert all(record["data"]["_meta"]["source"].get("snapshot") for record in process.records)


def test_a_stream_removed_in_the_middle_of_its_backfill(database, capture):
    database.execute(ITEMS, fill(20000), "CREATE TABLE more (id int PRIMARY KEY, n int, name text)", fill(200, "more"))
    one = capture(["items", "more"], tail=True, advanced={"backfill_chunk_size": 100})
    one.keep(one.start().wait_for_state(after=500).stop())
    one.tail, one.streams = False, one.streams[1:]
    one.run()
    one.records = [record for record in one.records if record["stream"] == "more"]
    one.assert_equal(more=["id"])


def test_a_slot_that_was_dropped_is_a_gap_and_an_error(database, capture):
    database.execute(ITEMS, fill(10))
    one = capture(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    process = one.start().finish()
    assert process.process.returncode != 0 and process.errors
    assert database.slot in process.errors[0]["message"]


def test_a_slot_that_was_recreated_is_a_gap_and_an_error(database, capture):
    database.execute(ITEMS, fill(10))
    one = capture(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')", "INSERT INTO items VALUES (11, 0, 'lost')",
                     f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    process = one.start().finish()
    assert process.process.returncode != 0 and database.slot in process.errors[0]["message"]
    assert not process.records


def test_a_slot_in_use_names_the_process_that_holds_it(database, capture):
    database.execute(ITEMS, fill(10))
    first = capture(["items"], tail=True)
    process = first.start().wait_for_active()
    database.wait_for(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{database.slot}'")
    holder = database.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))
    second = capture(["items"]).start().finish()
    assert second.process.returncode != 0 and str(holder) in second.errors[0]["message"]
    database.execute("INSERT INTO items VALUES (99, 0, 'still there')")
    process.wait_for_records(11).stop()
