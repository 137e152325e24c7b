"""Reads of full_refresh streams alone: all rows each time, in attempts that continue each other, and no slot is
left."""

import itertools

import pytest

from airbyte_destination import Destination, assert_grow, discovered
from capture import stream
from connector import whole
from refusal import assert_refused

SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"


@pytest.fixture(name="items", autouse=True)
def table_of_items(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 1000)")


def full(capture, *others, **options):
    return capture([stream("items", sync_mode="full_refresh"), *others], **options)


def kill_attempt(one):
    """Stopped at a state that settles some of the rows, and killed. Chunks are small, so that it takes long enough."""
    one.config.setdefault("advanced", {})["backfill_chunk_size"] = 2
    records = itertools.count()

    def is_due(message):
        return (next(records) if message["type"] == "RECORD" else message["type"] == "STATE" and next(records)) >= 100

    process = one.start(pause_at=lambda message: is_due(message) and message["type"] == "STATE").wait_until_paused()
    one.keep(process.kill())
    assert 50 < len(one.records) < 1000
    return process


def test_every_row_comes_with_each_generation(database, capture):
    one = full(capture)
    assert len(one.run().records) == 1000
    database.execute("DELETE FROM items WHERE id > 600")
    for generation in (2, 3):  # the state of the run before is given
        one.streams[0]["generation_id"] = generation
        assert len(one.run().records) == 600
    one.streams[0]["generation_id"] = None  # without a generation it is not known to be the same: all rows are asked for
    assert len(one.run().records) == 600


def test_it_ends_even_with_tail(capture):
    assert len(full(capture, tail=True).run().records) == 1000


def test_no_slot_is_left(database, capture):
    process = full(capture).run()
    assert f'dropped replication slot "{database.slot}__full_refresh"' in process.stderr
    assert database.query(SLOTS) == []


def test_changes_beside_the_rows_are_captured(database, capture):
    one = full(capture, advanced={"backfill_chunk_size": 10})
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute("UPDATE items SET id = id + 5000 WHERE id % 2 = 0", "DELETE FROM items WHERE id % 3 = 0")
    one.keep(process.go_on().succeed())
    one.assert_equal(items=["id"])
    assert database.query(SLOTS) == []


@pytest.mark.parametrize("state_type", ["global", "stream"])
@pytest.mark.parametrize("look", ["plain", "airbyte"])
def test_an_attempt_that_was_killed_is_gone_on_from(database, capture, state_type, look):
    """No row is missed, none comes twice under a key, and the slot is gone with the last row."""
    one = full(capture, advanced={"state_type": state_type})
    if look == "airbyte":
        one.streams = discovered(one, "items", sync_mode="full_refresh")
    kill_attempt(one)
    sent = len(one.records)
    assert database.query(SLOTS) == [(database.slot + "__full_refresh",)]
    database.execute("UPDATE items SET id = 2000 WHERE id = 1000", "DELETE FROM items WHERE id = 2",
                     "UPDATE items SET id = 0 WHERE id = 999", "INSERT INTO items VALUES (-1), (5000)")
    process = one.run()
    assert database.query(SLOTS) == [] and len(process.records) < 1000 - sent + 20
    if look == "plain":
        one.assert_equal(items=["id"])
    else:
        destination = Destination("items", ["id"])
        for record in one.records:
            destination.apply(record)
        destination.assert_equal(database)
        assert_grow(one.records, ["id"])


@pytest.mark.parametrize("state_type", ["global", "stream"])
def test_an_attempt_that_was_complete_has_nothing_to_do(database, capture, state_type):
    """Its end may not have been received, nor its slot been dropped."""
    one = full(capture, advanced={"state_type": state_type})
    one.run()
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}__full_refresh', 'pgoutput')",
                     "UPDATE items SET id = id + 5000")
    state = one.state
    process = one.run()
    assert process.records == [] and database.query(SLOTS) == []
    statuses = [trace["trace"]["stream_status"]["status"] for trace in process.of_type("TRACE")]
    assert statuses == ["STARTED", "RUNNING", "COMPLETE"]
    before, after = ([{**one, "sourceStats": None, "raw": None} for one in states] for states in (state, one.state))
    assert before == after


@pytest.mark.parametrize("given", ["its state", "a newer generation", "no state"])
def test_the_slot_of_an_attempt_is_left_for_the_next_one_alone(database, capture, given):
    one = full(capture)
    process = kill_attempt(one)
    made = database.query("SELECT restart_lsn FROM pg_replication_slots")
    if given == "its state":
        process = one.start()
        process.wait_for_records(1).stop()
        assert "is left for another attempt" in process.stderr
        assert database.query("SELECT restart_lsn FROM pg_replication_slots") >= made
        return
    one.state = None if given == "no state" else one.state
    one.streams[0]["generation_id"] = 2
    process = one.run()
    assert len(process.records) == 1000 and process.stderr.count("dropped replication slot") == 2
    assert database.query(SLOTS) == []


def test_a_slot_that_is_left_is_said_by_reads_that_do_not_use_it(database, capture):
    one = full(capture)
    kill_attempt(one)
    one.streams = [stream("items")]
    left = f'replication slot "{database.slot}__full_refresh" was left'
    said = [line for line in one.run().stderr.splitlines() if left in line]
    assert len(said) == 1 and left in one.run().stderr
    database.execute(said[0][said[0].index("SELECT"):])  # what it says to run
    assert left not in one.run().stderr


def test_an_attempt_without_a_state_leaves_no_slot(database, capture):
    """An attempt that fails before a state leaves nothing to continue from."""
    one = full(capture)
    process = one.start(pause_at=lambda message: message["type"] == "LOG" and "created replication slot" in str(message))
    process.wait_until_paused()
    assert database.query(SLOTS) == [(database.slot + "__full_refresh",)]
    process.go_on().stop()
    assert process.states or database.query(SLOTS) == []


def test_an_attempt_whose_slot_is_gone_begins_again(database, capture):
    one = full(capture)
    kill_attempt(one)
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}__full_refresh')")
    process = one.run()
    assert len(process.records) == 1000 and "all rows of this full refresh are sent again" in process.stderr
    assert database.query(SLOTS) == []


def test_the_slot_of_an_incremental_capture_is_left_alone(database, capture):
    one = capture(["items"])
    one.run()
    slots = database.query("SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots")
    one.streams = [stream("items", sync_mode="full_refresh", generation_id=2)]
    incremental = one.state
    assert len(one.run().records) == 1000
    assert database.query("SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots") == slots
    database.execute("INSERT INTO items VALUES (5000)")
    one.streams, one.state = [stream("items", generation_id=2)], incremental
    assert len(one.run().records) == 1001, "another generation is asked for"


def test_beside_an_incremental_stream_the_slot_stays(database, capture):
    database.execute("CREATE TABLE more (id int PRIMARY KEY)")
    one = full(capture, "more")
    states = whole(one.run().states[-1])["streams"]
    assert states["public.items"]["generation"] == states["public.more"]["generation"] == 1
    assert database.query(SLOTS) == [(database.slot,)]
    database.execute("INSERT INTO more VALUES (1)")
    one.streams[0]["generation_id"] = 2
    assert len(one.run().records) == 1001


@pytest.mark.parametrize("state_type", ["global", "stream"])
def test_beside_an_incremental_stream_an_attempt_continues_within_its_generation(database, capture, state_type):
    """Nothing is missed and nothing comes twice; with a new generation all rows come again."""
    database.execute("CREATE TABLE more (id int PRIMARY KEY)")
    one = full(capture, "more", advanced={"backfill_chunk_size": 2, "state_type": state_type})
    process = one.start()
    process.wait_for(lambda run: run.records_before_last_state() >= 100)
    one.keep(process.kill())
    sent = len(one.records)
    assert 100 <= sent < 1000
    database.execute("UPDATE items SET id = 2000 WHERE id = 1000", "DELETE FROM items WHERE id = 2",
                     "UPDATE items SET id = 0 WHERE id = 999")
    one.run()
    one.assert_equal(items=["id"])
    assert not one.run().records_of("items")  # it is complete
    for record in one.records:
        assert record["data"]["_meta"]["op"] != "u"
    one.streams[0]["generation_id"] = 2
    assert len(one.run().records_of("items")) == 999
    one.streams[0]["generation_id"] = 0
    assert len(one.run().records_of("items")) == 999


@pytest.mark.parametrize("state_type", ["global", "stream"])
def test_its_state_is_not_continued(database, capture, state_type):
    """A stream that is made incremental begins with all its rows; the dropped slot is not missed."""
    one = full(capture, advanced={"state_type": state_type})
    one.run()
    one.records.clear()
    one.streams = [stream("items")]
    one.run()
    database.execute("INSERT INTO items VALUES (5000)")
    one.run()
    assert len(one.records) == 1001
    one.streams = [stream("items", sync_mode="full_refresh", generation_id=2)]
    assert len(one.run().records) == 1001  # the slot is the incremental one's, and stays
    assert database.query(SLOTS) == [(database.slot,)]


def test_the_state_of_a_lost_slot_does_not_keep_it_from_reading(database, capture):
    one = capture(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    one.streams = [stream("items", sync_mode="full_refresh")]
    assert len(one.run().records) == 1000


def test_a_lost_connection_is_made_again(database, capture):
    one = full(capture, advanced={"backfill_chunk_size": 10})
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()")
    database.execute("DELETE FROM items WHERE id > 500")
    one.keep(process.go_on().succeed())
    one.assert_equal(items=["id"])
    assert database.query(SLOTS) == []


def test_two_at_once_need_two_slots(database, capture):
    process = full(capture, advanced={"backfill_chunk_size": 10}).start(
        pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    second = full(capture).start().finish()
    assert_refused(second, "config_error", "in use by process", lines=len(second.errors[0]["message"].splitlines()))
    process.go_on().succeed()
