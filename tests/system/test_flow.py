"""A capture that Flow drives: documents, schemas and checkpoints, and acknowledgements that move the slot."""

import random
import signal
import time

import pytest

from connector import PATIENCE
from flow import assert_refused, binding, flushed
from flow_protocol import number
from test_resume import ITEMS, changes, fill
from writer import Writer


def test_rows_then_changes(database, flow):
    database.execute(ITEMS, fill(100))
    one = flow(["items"])
    process = one.start().wait_for_quiet(100)
    database.execute("UPDATE items SET n = 5 WHERE id = 1", "DELETE FROM items WHERE id = 2",
                     "UPDATE items SET id = 1000 WHERE id = 3", "INSERT INTO items VALUES (2, 1, 'again')")
    process.wait_for_quiet(105)
    one.commit(process)
    kinds = [next(iter(message)) for message in process.messages]
    assert kinds[:3] == ["opened", "sourcedSchema", "checkpoint"]
    assert kinds.count("opened") == kinds.count("sourcedSchema") == 1
    process.stop()
    one.assert_equal(items=["id"])


def test_every_binding_has_its_schema_first(database, flow):
    database.execute("CREATE TABLE a (id int PRIMARY KEY, j jsonb)", "CREATE TABLE nokey (x int)",
                     "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                     "CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)", "CREATE TABLE other (x int)",
                     database.publish_all)
    process = flow([binding("nokey", key=()), "parts", "a"], advanced={"discover_schemas": ["elsewhere"]}).run()
    schemas = {one["binding"]: one["documentSchema"] for one in process.of_kind("sourcedSchema")}
    assert set(schemas) == {0, 1, 2}
    assert set(schemas[0]["properties"]) == {"x", "_meta"} and schemas[0]["required"] == ["_meta"]
    assert set(schemas[2]["properties"]) == {"id", "j", "_meta"} and set(schemas[2]["required"]) == {"id", "_meta"}


@pytest.mark.codec("proto")
def test_documents_that_several_threads_print_come_in_order(database, flow):
    """Chunks of a megabyte; with four workers there are two printers."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, name text)",
                     "INSERT INTO items SELECT n, repeat('x', 200) FROM generate_series(1, 30000) n")
    one = flow(["items"], advanced={"backfill_workers": 4, "backfill_chunk_size": 5000})
    process = one.run()
    assert [captured["doc"]["_meta"]["source"]["loc"][1] for captured in process.docs] == list(range(30000))
    one.assert_equal(items=["id"])


def test_shutdown_after_polling_ends_at_what_was_committed(database, flow):
    database.execute(ITEMS, fill(500))
    one = flow(["items"])
    assert len(one.run().docs) == 500
    database.execute("UPDATE items SET n = 1 WHERE id <= 7")
    process = one.run()
    assert len(process.docs) == 7 and "checkpoint" in process.messages[-1]
    assert process.of_kind("sourcedSchema")
    one.assert_equal(items=["id"])


def test_sighup_changes_nothing(database, flow):
    """There is no file to be read again."""
    database.execute(ITEMS, fill(10))
    process = flow(["items"]).start()
    process.wait_for_quiet(10)
    process.process.send_signal(signal.SIGHUP)
    database.execute("UPDATE items SET n = 1")
    process.wait_for_quiet(20)
    process.stop()
    assert "catalog" not in process.stderr.lower()


def test_the_capture_continues_after_the_end_of_the_input(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    process = one.start()
    process.end_input()
    process.wait_for_quiet(10)
    database.execute("UPDATE items SET n = 1")
    process.wait_for_quiet(20)
    time.sleep(0.5)
    process.stop()


def test_a_signal_ends_it_with_exit_0(database, flow):
    database.execute(ITEMS, fill(20000))
    one = flow(["items"], advanced={"backfill_chunk_size": 100})
    process = one.start().wait_for_docs(500).stop()
    assert process.rest == b""


@pytest.mark.parametrize("request_after, word", [
    ({"open": {"capture": {"config": {"host": "h", "user": "u"}}}}, "after the capture was opened"),
    ({"spec": {}}, "after the capture was opened"), ({"acknowledge": {"checkpoints": 1000}}, "1000 checkpoints"),
])
def test_requests_out_of_order_end_the_capture(database, flow, request_after, word):
    database.execute(ITEMS, fill(10))
    process = flow(["items"]).start().wait_for_quiet(10)
    process.send(request_after)
    assert_refused(process, word)


def test_an_error_while_the_output_is_not_read_comes_last(database, flow):
    database.execute(ITEMS, fill(60000))
    process = flow(["items"]).start().wait_for_docs(1)
    process.reading.clear()
    time.sleep(1)
    process.send({"acknowledge": {"checkpoints": 1000}})
    process.finish(20 * PATIENCE)
    assert process.process.returncode > 0
    assert "not read" in process.errors[0] and "1000 checkpoints" in process.errors[-1]


def test_log_level(database, flow):
    database.execute(ITEMS, fill(3))
    one = flow(["items"])
    process = one.start(LOG_LEVEL="error", SHUTDOWN_AFTER_POLLING="yes").succeed()
    assert process.stderr == ""


def test_a_table_that_is_missing_is_an_error(database, flow):
    process = flow(["missing"]).start()
    assert_refused(process, "missing")


# Acknowledgements.


def test_acknowledgements_move_the_slot(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    process = one.start().wait_for_quiet(10)
    for number_of_change in range(3):
        database.execute("UPDATE items SET n = n + 1 WHERE id = 1")
        process.wait_for_quiet(11 + number_of_change)
        one.commit(process)
        database.wait_for(f"SELECT confirmed_flush_lsn >= '{one.state['cursor']}' FROM pg_replication_slots"
                          f" WHERE slot_name = '{database.slot}'", 5 * PATIENCE)
        assert flushed(database) == number(one.state["cursor"])
    process.stop()


def test_the_slot_never_passes_what_is_not_acknowledged(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    process = one.start().wait_for_quiet(10)
    one.commit(process)
    acknowledged = number(one.state["cursor"])
    for _ in range(4):
        database.execute("UPDATE items SET n = n + 1", "SELECT pg_switch_wal()", "CHECKPOINT")
        time.sleep(1)
        assert flushed(database) <= acknowledged
    process.wait_for_quiet(50)
    checkpoints = [one["state"]["updated"]["cursor"] for one in process.of_kind("checkpoint")[1:]]
    assert len(checkpoints) > 2
    before = sum(number(cursor) <= acknowledged for cursor in checkpoints)
    assert one.commit(process, most=1) == 1  # the next one, and no further
    assert one.state["cursor"] == checkpoints[before]
    time.sleep(3)
    assert flushed(database) == number(one.state["cursor"])
    process.kill()
    again = one.start().wait_for_docs(30)
    time.sleep(2)
    assert flushed(database) == number(one.state["cursor"])
    again.kill()


def test_an_idle_streams_position_is_checkpointed_and_released(database, flow):
    database.execute(ITEMS, fill(10), "CREATE TABLE other (id int, pad text)")
    one = flow(["items"])
    process = one.start().wait_for_quiet(10)
    one.commit(process)
    before = number(one.state["cursor"])
    database.execute("INSERT INTO other SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 30000) n",
                     "SELECT pg_switch_wal()")
    process.wait_for(lambda run: number(run.of_kind("checkpoint")[-1]["state"]["updated"]["cursor"]) > before + (1 << 24))
    assert flushed(database) <= before
    one.commit(process)
    database.wait_for(f"SELECT confirmed_flush_lsn >= '{one.state['cursor']}' FROM pg_replication_slots"
                      f" WHERE slot_name = '{database.slot}'", 5 * PATIENCE)
    assert flushed(database) == number(one.state["cursor"])
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active",
                     "UPDATE items SET n = 5 WHERE id = 1")
    process.wait_for_quiet(11).stop()  # the slot is at the capture's position: that is not a gap


def test_the_slot_waits_for_acknowledgements_through_keepalives_kills_and_restarts(database, flow):
    """Committed checkpoints are acknowledged, a few at a time. The server asks for an answer every second, whether
    there is anything new or not."""
    database.execute(ITEMS, fill(3000), "ALTER SYSTEM SET wal_sender_timeout = '2s'", "SELECT pg_reload_conf()")
    chance = random.Random(7)
    one = flow(["items"], advanced={"backfill_chunk_size": 200})
    try:
        for session in range(6):
            process = one.start()
            with Writer(database, changes(rows=3000), session, 0.01):
                for _ in range(12):
                    time.sleep(0.1 * PATIENCE)
                    one.commit(process, most=chance.randint(1, 2))
                    assert "cursor" not in one.state or flushed(database) <= number(one.state["cursor"])
            database.execute(f"INSERT INTO items VALUES ({100000 + session}, 0, 'held back')")
            process.wait_for(lambda run: run.session.cursor and run.session.cursor > number(one.state.get("cursor", "0/0")))
            for _ in range(6):  # idle, with a checkpoint that is not acknowledged
                time.sleep(0.25)
                assert "cursor" not in one.state or flushed(database) <= number(one.state["cursor"])
            if session % 2:
                process.stop()
            else:
                process.kill()
    finally:
        database.execute("ALTER SYSTEM RESET wal_sender_timeout", "SELECT pg_reload_conf()")
    process = one.start()
    process.wait_for_active()
    one.commit(process)
    database.wait_for(f"SELECT confirmed_flush_lsn >= '{one.state['cursor']}' FROM pg_replication_slots"
                      f" WHERE slot_name = '{database.slot}'", 5 * PATIENCE)
    one.commit(process)
    process.stop()
    one.commit(process)
    one.run()
    one.assert_equal(items=["id"])
