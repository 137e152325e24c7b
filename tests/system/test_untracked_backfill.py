"""A table that is backfilled again: in the middle of its backfill, beside writers and other streams, and its states."""

import pytest

from again import (assert_lives, assert_said_again, kill_in_backfill, mode_of,
                   pause_in_backfill, said_again, wait_until_again, warnings)
from capture import stream
from connector import PATIENCE
from untracked import EVENTS, KEYS, ROWS, assert_again, assert_said
from writer import Writer

MANY = 6000
FILL = f"INSERT INTO t SELECT n, 'a' || n FROM generate_series({ROWS + 1}, {MANY}) n"


def wide(event):
    """The event with partitions that have room for many rows."""
    definition, *rest = EVENTS[event]
    return ([statement.replace("TO (1000)", f"TO ({10 * MANY})") for statement in definition if "more" not in statement], *rest)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated", "partition_detached"])
def test_noticed_in_the_middle_of_the_backfill(database, begin, event, running):
    """The records of the table so far are forgotten, too. A run that ends before the next look leaves it to the next
    start."""
    one, happen = begin(wide(event), backfill_chunk_size=10)
    database.execute(FILL)
    if running:
        process = pause_in_backfill(one, MANY, after=100)
        happen()
        process.go_on().succeed()
        one.keep(process)
    else:
        kill_in_backfill(one, MANY)
        happen()
        process = one.run()
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31")
    later = one.run()
    assert_said(event, process, later)
    assert_again(one, event)


@pytest.mark.parametrize("running", [True, False])
def test_a_stream_whose_rows_are_skipped_is_not_backfilled(database, begin, running):
    """Its rows are not wanted: that is logged, and the stream continues."""
    one, happen = begin("publish_operations", skip_backfills="public.t")
    one.tail = True
    process = one.start()
    process.wait_for(lambda run: run.states and mode_of(run.states[-1], "public.other") == "Active")
    if not running:
        one.keep(process.stop())
    happen()
    if not running:
        process = one.start()
    process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    database.execute("INSERT INTO t VALUES (300, 'seen')")
    process.wait_for(lambda run: run.records_of("t") and run.states and run.records_before_last_state() == len(run.records))
    one.keep(process.stop())
    assert not said_again(process), process.story()
    assert [record["data"]["id"] for record in one.records if record["stream"] == "t"] == [300]


def test_the_state_goes_through_backfill(database, begin):
    """A consumer sees from the state that the table is backfilled again, and a run that is stopped meanwhile continues
    with it."""
    one, happen = begin("rewritten_by_using", backfill_chunk_size=200)
    database.execute(FILL)
    one.tail = True
    process = one.start().wait_for_active()
    one.keep(process.stop())
    one.config["advanced"]["backfill_chunk_size"] = 5
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: run.states and mode_of(run.states[-1]) == "Backfill")
    one.keep(process.kill())
    process = one.start().wait_for_active()
    one.keep(process.stop())
    assert not said_again(process), "the run before has said it"
    assert_lives(one, KEYS, {"t": 2})


def test_writers_continue_while_the_table_is_backfilled_again(database, begin):
    """Exactly as beside the first backfill."""
    one, happen = begin("rewritten_by_using", backfill_chunk_size=7)
    database.execute(f"INSERT INTO t SELECT n, 'a' || n FROM generate_series({ROWS + 1}, 900) n")
    one.tail = True
    process = one.start().wait_for_active()

    def make(chance):
        n = chance.randint(1, 1200)
        return [chance.choice((f"UPDATE t SET a = a || 'x' WHERE id = {n}", f"DELETE FROM t WHERE id = {n}",
                               f"INSERT INTO t VALUES ({n}, 'new') ON CONFLICT DO NOTHING",
                               f"UPDATE t SET id = {n + 3000} WHERE id = {n}"))]

    with Writer(database, make, 1, 0.001), Writer(database, make, 2, 0.001):
        happen()
        wait_until_again(process)
    one.keep(process.stop())
    one.tail = False
    one.run()
    assert_said_again(process)
    assert_lives(one, KEYS, {"t": 2})


def test_the_other_streams_of_a_state_by_stream_continue(database, begin):
    one, happen = begin("rewritten_by_using", state_type="stream")
    one.streams = [stream("t"), stream("other")]
    one.run()
    happen()
    database.execute("INSERT INTO other VALUES (2)")
    assert_said_again(one.run())
    assert_lives(one, KEYS, {"t": 2})
