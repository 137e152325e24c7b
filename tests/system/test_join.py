"""SIGHUP makes a running read look at its catalog again: new streams join, and a stream whose generation_id was raised
is backfilled again, while the others continue."""

import json
import signal
import time

import pytest

from again import LOOSE, SOON, assert_lives, change_loose, lives_that_are_out, mode_of, pause_in_backfill, said_again, wait_until_again, warnings
from capture import stream
from connector import PATIENCE, whole
from oracle import Versions
from writer import Writer

KEYS = {"t": ["id"], "u": ["id"]}


@pytest.fixture(name="one")
def captured_table(database, capture):
    """Of two tables one is captured; one.process runs."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "CREATE TABLE u (id int PRIMARY KEY, a text)",
                     "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 40) n",
                     "INSERT INTO u SELECT n, 'u' || n FROM generate_series(1, 300) n")
    one = capture(["t"], tail=True, advanced={**SOON, "backfill_chunk_size": 10})
    one.process = one.start().wait_for_active()
    return one


def look_again(one):
    one.write_catalog()
    one.process.process.send_signal(signal.SIGHUP)


def is_active(run, table):
    return run.states and mode_of_or_none(run, table) == "Active"


def mode_of_or_none(run, table):
    stream_state = whole(run.states[-1])["streams"].get(f"public.{table}")
    return stream_state and stream_state["mode"]


def finish(one):
    one.keep(one.process.stop())
    one.tail = False
    process = one.run()
    assert not said_again(process) and not said_again(process, "public.u"), process.story()


def test_a_new_stream_joins(one, database):
    """The capture continues: the same process, with changes of both tables."""
    one.streams.append(stream("u"))
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    assert len(one.process.records_of("u")) == 300
    count = len(one.process.records)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 1", "UPDATE u SET a = 'newer' WHERE id = 1", "DELETE FROM u WHERE id = 2")
    one.process.wait_for(lambda run: run.records_before_last_state() >= count + 3)
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})
    assert {name for name in whole(one.state[0])["streams"]} == {"public.t", "public.u"}


def test_a_new_stream_joins_beside_writers(one, database):
    """Their writes meanwhile come once."""

    def make(chance):
        n, table = chance.randint(1, 600), chance.choice("tu")
        return [chance.choice((f"UPDATE {table} SET a = a || 'x' WHERE id = {n}", f"DELETE FROM {table} WHERE id = {n}",
                               f"INSERT INTO {table} VALUES ({n}, 'new') ON CONFLICT DO NOTHING",
                               f"UPDATE {table} SET id = id + 1000 WHERE id = {n}"))]

    database.execute("INSERT INTO u SELECT n, 'u' || n FROM generate_series(301, 2000) n")
    one.streams.append(stream("u"))
    with Writer(database, make, 1, 0.001), Writer(database, make, 2, 0.001, commit_share=0.7):
        time.sleep(0.1)
        look_again(one)
        one.process.wait_for(lambda run: is_active(run, "u"))
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})


def test_a_new_stream_joins_in_the_middle_of_another_ones_backfill(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "CREATE TABLE u (id int PRIMARY KEY, a text)",
                     "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 6000) n", "INSERT INTO u VALUES (1, 'u')")
    one = capture(["t"], tail=True, advanced={**SOON, "backfill_chunk_size": 10})
    one.process = pause_in_backfill(one, 6000)
    one.streams.append(stream("u"))
    look_again(one)
    one.process.go_on()
    one.process.wait_for(lambda run: is_active(run, "u") and is_active(run, "t"))
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})


def test_a_raised_generation_is_backfilled_again(one, database):
    one.streams[0]["generation_id"] = 2
    look_again(one)
    wait_until_again(one.process)
    count = len(one.process.records)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 1", "DELETE FROM t WHERE id = 2")
    one.process.wait_for(lambda run: run.records_before_last_state() >= count + 2)
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 2})


def test_a_generation_raised_between_two_runs_is_backfilled_again(one):
    one.keep(one.process.stop())
    one.streams[0]["generation_id"], one.tail = 2, False
    one.run()
    assert not one.run().records
    assert_lives(one, {"t": ["id"]}, {"t": 2})


def test_a_generation_raised_twice_is_backfilled_twice(one):
    """Also when the second comes in the middle of the first."""
    for generation in (2, 3):
        one.streams[0]["generation_id"] = generation
        look_again(one)
        wait_until_again(one.process, lives=generation)
    assert lives_that_are_out(one.process) == 3
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 3})


def test_an_unchanged_catalog_changes_nothing(one, database):
    for _ in range(3):
        look_again(one)
        time.sleep(0.3)
    database.execute("INSERT INTO t VALUES (100, 'new')")
    one.process.wait_for(lambda run: run.records_before_last_state() == 41)
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 1})


def test_a_stream_that_is_gone_from_the_catalog_is_captured_until_the_end(one, database):
    one.streams.append(stream("u"))
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    one.streams.pop(0)
    look_again(one)
    one.process.wait_for(lambda run: "stream public.t is not asked for any more" in run.stderr)
    database.execute("INSERT INTO t VALUES (100, 'new')")
    one.process.wait_for(lambda run: run.records_before_last_state() == 341)
    assert "SIGHUP: the catalog was read again" in one.process.stderr
    one.streams.insert(0, stream("t"))
    finish(one)


@pytest.mark.parametrize("content", ["{", json.dumps({"streams": [stream("missing")], "tail": True})])
def test_an_unusable_catalog_is_logged_and_the_capture_continues(one, database, content):
    """A mistake in the catalog does not end the capture."""
    with open(one.write_catalog(), "w", encoding="utf-8") as file:
        file.write(content)
    before = len(one.process.stderr)
    one.process.process.send_signal(signal.SIGHUP)
    one.process.wait_for(lambda run: "catalog" in run.stderr[before:].lower() or "public.missing" in run.stderr[before:], 20 * PATIENCE)
    database.execute("INSERT INTO t VALUES (100, 'new')")
    one.process.wait_for(lambda run: run.records_before_last_state() == 41)
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 1})


def test_a_new_stream_is_added_to_the_publication(database, capture):
    """A publication that names its tables: transactions that wrote before are waited for."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int PRIMARY KEY)", "INSERT INTO u VALUES (1)",
                     f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, {database.watermarks}")
    one = capture(["t"], tail=True, advanced=SOON)
    one.process = one.start().wait_for_active()
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO u VALUES (2)")
        one.streams.append(stream("u"))
        look_again(one)
        database.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%' AND"
                          " datname = current_database() AND (wait_event_type = 'Lock' OR query LIKE '%u%')")
        database.execute("INSERT INTO t VALUES (5)")
        one.process.wait_for(lambda run: run.records_of("t"))
        assert not one.process.records_of("u")
        cursor.execute("COMMIT")
    connection.close()
    one.process.wait_for(lambda run: is_active(run, "u"))
    database.execute("INSERT INTO u VALUES (3)")
    one.process.wait_for(lambda run: run.records_before_last_state() == 4)
    assert not warnings(one.process, "public.u"), one.process.story()
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})


def test_sighup_before_the_capture_has_begun_is_harmless(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t VALUES (1, 'a')")
    one = capture(["t"], tail=True)
    one.process = one.start()
    one.process.wait_for(lambda run: run.stderr or run.messages)
    for _ in range(5):
        one.process.process.send_signal(signal.SIGHUP)
    one.process.wait_for_active()
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 1})
    assert mode_of(one.state[0]) == "Active"


def test_changes_from_before_it_joined_are_in_its_rows(one, database):
    """The shape of its changes was known by then, as that of a table that is not captured."""
    database.execute("UPDATE u SET a = 'older' WHERE id = 1", "UPDATE t SET a = 'newer' WHERE id = 1")
    one.process.wait_for(lambda run: len(run.records_of("t")) == 41)
    one.streams.append(stream("u"))
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    database.execute("UPDATE u SET a = 'newer' WHERE id = 1")
    one.process.wait_for(lambda run: len(run.records_of("u")) == 301 and run.records_before_last_state() == 342)
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})


def test_a_table_without_key_joins_beside_writers(one, database):
    database.execute(*LOOSE)
    one.streams.append(stream("loose"))
    with Writer(database, change_loose, 1, 0.002):
        time.sleep(0.1)
        look_again(one)
        one.process.wait_for(lambda run: is_active(run, "loose"))
    finish(one)
    one.materialised({"t": ["id"], "loose": Versions("public", "loose")}).assert_equal(database)


def test_one_that_cannot_join_keeps_no_other_from_it(one):
    one.streams += [stream("missing"), stream("u")]
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    assert len(warnings(one.process, "public.missing")) == 1
    one.streams.remove(stream("missing"))
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 1})


def test_one_that_could_not_join_does_once_its_table_is_there(one, database):
    one.streams.append(stream("late"))
    look_again(one)
    one.process.wait_for(lambda run: warnings(run, "public.late"))
    database.execute("CREATE TABLE late (id int PRIMARY KEY)", "INSERT INTO late VALUES (1)")
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "late"))
    finish(one)
    assert_lives(one, {"t": ["id"], "late": ["id"]}, {"t": 1, "late": 1})


def test_one_that_joined_is_backfilled_again_when_its_generation_is_raised(one):
    one.streams.append(stream("u"))
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    one.streams[1]["generation_id"] = 2
    look_again(one)
    one.process.wait_for(lambda run: len(run.records_of("u")) == 600 and run.records_before_last_state() == 640 and is_active(run, "u"))
    finish(one)
    assert_lives(one, KEYS, {"t": 1, "u": 2})


def test_a_stream_asked_for_again_does_not_fail_for_an_earlier_unreported_change(database, capture):
    """on_untracked_change is "fail", and there was no look since the table was rewritten."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 40) n")
    one = capture(["t"], tail=True, advanced={"check_interval": "1h", "on_untracked_change": "fail"})
    one.process = one.start().wait_for_active()
    database.execute("ALTER TABLE t ALTER a TYPE text USING a || '!'")
    one.streams[0]["generation_id"] = 2
    look_again(one)
    wait_until_again(one.process)
    finish(one)
    assert_lives(one, {"t": ["id"]}, {"t": 2})


def test_one_that_joins_has_its_statuses(one):
    one.streams.append(stream("u"))
    look_again(one)
    one.process.wait_for(lambda run: is_active(run, "u"))
    one.process.stop()
    told = [message["trace"]["stream_status"]["status"] if message["type"] == "TRACE" else "RECORD"
            for message in one.process.messages if is_told(message, "u")]
    assert told == ["STARTED", "RUNNING"] + 300 * ["RECORD"] + ["INCOMPLETE"]


def is_told(message, table):
    if message["type"] == "RECORD":
        return message["record"]["stream"] == table
    return message["type"] == "TRACE" and (
        message["trace"].get("stream_status", {}).get("stream_descriptor", {}).get("name") == table)
