"""Reads of full_refresh streams alone: all rows each time, and nothing left behind on the server."""

import pytest

from capture import stream
from connector import PATIENCE, whole
from refusal import assert_refused

SLOTS = "SELECT slot_name, temporary FROM pg_replication_slots WHERE database = current_database()"


@pytest.fixture(name="items", autouse=True)
def table_of_items(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 1000)")


def full(capture, *others, **options):
    return capture([stream("items", sync_mode="full_refresh"), *others], **options)


def test_every_row_comes_each_time(database, capture):
    one = full(capture)
    assert len(one.run().records) == 1000
    database.execute("DELETE FROM items WHERE id > 600")
    for _ in range(2):  # the state of the run before is given
        assert len(one.run().records) == 600


def test_it_ends_even_with_tail(capture):
    assert len(full(capture, tail=True).run().records) == 1000


def test_no_slot_is_left(database, capture):
    process = full(capture).run()
    assert "temporary replication slot" in process.stderr
    assert database.query(SLOTS) == []


def test_changes_beside_the_rows_are_captured(database, capture):
    one = full(capture, advanced={"backfill_chunk_size": 10})
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute("UPDATE items SET id = id + 5000 WHERE id % 2 = 0", "DELETE FROM items WHERE id % 3 = 0")
    one.keep(process.go_on().succeed())
    one.assert_equal(items=["id"])
    assert database.query(SLOTS) == []


def test_a_read_that_is_killed_leaves_no_slot(database, capture):
    process = full(capture, advanced={"backfill_chunk_size": 10}).start(
        pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    assert database.query(SLOTS) == [(database.slot, True)]
    process.kill()
    database.wait_for(f"SELECT NOT EXISTS ({SLOTS})")


def test_a_slot_that_was_there_is_left_alone(database, capture):
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    one = full(capture)
    for generation in range(1, 3):
        one.streams[0]["generation_id"] = generation
        assert len(one.run().records) == 1000
    assert database.query(SLOTS) == [(database.slot, False)]


def test_beside_an_incremental_stream_the_slot_stays(database, capture):
    database.execute("CREATE TABLE more (id int PRIMARY KEY)")
    one = full(capture, "more")
    states = whole(one.run().states[-1])["streams"]
    assert states["public.items"]["generation"] == states["public.more"]["generation"] == 1
    assert database.query(SLOTS) == [(database.slot, False)]
    database.execute("INSERT INTO more VALUES (1)")
    one.streams[0]["generation_id"] = 2
    assert len(one.run().records) == 1001


@pytest.mark.parametrize("made_by", ["an incremental stream", "somebody"])
@pytest.mark.parametrize("state_type", ["global", "stream"])
def test_an_attempt_that_is_tried_again_goes_on_within_its_generation(database, capture, made_by, state_type):
    """Where the slot is still there, nothing is missed and nothing comes twice; a generation more, and all comes again."""
    others = ["more"] if "stream" in made_by else []
    database.execute("CREATE TABLE more (id int PRIMARY KEY)")
    if not others:
        database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    one = full(capture, *others, advanced={"backfill_chunk_size": 2, "state_type": state_type})
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
def test_nothing_goes_on_from_its_state(database, capture, state_type):
    """A stream that is made incremental begins with all its rows; nobody asks for a slot that is gone."""
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
    assert database.query(SLOTS) == [(database.slot, False)]


def test_the_state_of_a_lost_slot_does_not_keep_it_from_reading(database, capture):
    one = capture(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    one.streams = [stream("items", sync_mode="full_refresh")]
    assert len(one.run().records) == 1000


def test_a_lost_connection_ends_it_for_another_try(database, capture):
    one = full(capture, advanced={"backfill_chunk_size": 10})
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()")
    database.wait_for(f"SELECT NOT EXISTS ({SLOTS})")
    process.go_on().finish(20 * PATIENCE)
    assert process.process.returncode > 0
    error = process.errors[-1]
    assert error["failure_type"] == "transient_error" and "run the read again" in error["message"]
    assert len(one.run().records) == 1000


def test_two_at_once_need_two_slots(database, capture):
    process = full(capture, advanced={"backfill_chunk_size": 10}).start(
        pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    second = full(capture).start().finish()
    assert_refused(second, "config_error", "in use by process", lines=len(second.errors[0]["message"].splitlines()))
    process.go_on().succeed()
