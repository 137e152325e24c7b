"""advanced.on_untracked_change: the effects of warn and fail, instead of a backfill."""

import time

import pytest

from again import assert_lives, location, said_again, warnings
from connector import PATIENCE
from refusal import assert_refused
from untracked import FOR_ALL, KEYS, LOOKS_S, TABLE, assert_again, assert_nothing_more, assert_said


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated"])
def test_warn_logs_it_and_continues(database, begin, event, running):
    one, happen = begin(event, on_untracked_change="warn")
    one.tail = True
    process = one.start().wait_for_active()
    if running:
        happen()
        process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    else:
        one.keep(process.stop())
        happen()
        process = one.start()
        process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    count = len(process.records)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "INSERT INTO other VALUES (2)")
    process.wait_for(lambda run: run.records_of("other")[-1:] and run.records_of("other")[-1]["data"]["id"] == 2
                     and run.records_before_last_state() > count)
    time.sleep(LOOKS_S)
    one.keep(process.stop())
    assert not said_again(process), process.story()
    assert len(warnings(process)) == 1, "it is said once"
    assert sum(location(record)[:2] == [-1, 0] for record in one.records if record["stream"] == "t") == 1
    assert any(record["data"].get("a") == "newer" for record in one.records), one.records[-2:]
    assert_nothing_more(one)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated"])
def test_fail_ends_the_capture_and_its_remedy_works(database, begin, event, running):
    one, happen = begin(event, on_untracked_change="fail")
    one.tail = running
    if running:
        process = one.start().wait_for_active()
        happen()
        one.keep(process.finish(20 * PATIENCE))
    else:
        one.run()
        happen()
    assert_fails(process if running else one.start().finish())
    one.tail = False
    assert_fails(one.start().finish())  # and nothing is forgotten
    one.config["advanced"]["on_untracked_change"] = "backfill"
    assert_said(event, one.run())
    assert_again(one, event)
    one.config["advanced"]["on_untracked_change"] = "fail"
    assert_nothing_more(one)


def assert_fails(process):
    """Whatever was captured before."""
    process.messages = [message for message in process.messages if message["type"] != "RECORD"]
    lines = len(process.errors[-1]["message"].splitlines()) if process.errors else 1  # one for each table that it is true of
    process.messages = [message for message in process.messages if message["type"] != "TRACE" or message["trace"]["type"] != "ERROR"
                        ] + [message for message in process.messages if message["type"] == "TRACE"
                             and message["trace"]["type"] == "ERROR"][-1:]
    assert_refused(process, "config_error", "public.t", "on_untracked_change", lines=lines)


def test_fail_promises_nothing_for_a_table_that_is_gone(database, begin):
    """It ends, without a word on what happens once the table is back."""
    one, happen = begin((TABLE, FOR_ALL, ("ALTER TABLE t RENAME TO x",)), on_untracked_change="fail")
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.finish(20 * PATIENCE)
    assert process.process.returncode == 1 and "public.t is gone" in process.errors[-1]["message"], process.story()
    assert not warnings(process), process.story()


def test_fail_is_over_once_the_stream_was_asked_for_again(database, begin):
    """The other remedy: a raised generation_id."""
    one, happen = begin("rewritten_by_using", on_untracked_change="fail")
    one.run()
    happen()
    assert_fails(one.start().finish())
    one.streams[0]["generation_id"] = 2
    one.run()
    assert_lives(one, KEYS, {"t": 2})


def test_another_word_than_these_is_refused(database, begin):
    one, _ = begin("rewritten_by_using", on_untracked_change="ignore")
    assert_refused(one.start().finish(), "config_error", "on_untracked_change", "backfill", "warn", "fail")
