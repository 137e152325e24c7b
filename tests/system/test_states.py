"""STATE messages: their form, when they come, and every form that is accepted as input."""

import json
import os
import time

import pytest

from again import SOON, held_in_backfill, said_again
from capture import Capture, stream
from connector import PATIENCE, whole
from database import Database
from server import Server

TABLES = ("one", "two")


@pytest.fixture(name="tables")
def two_tables(database):
    for name in TABLES:
        database.execute(f'CREATE TABLE "{name}" (id int PRIMARY KEY, n int)',
                         f'INSERT INTO "{name}" SELECT n, 0 FROM generate_series(1, 100) n')
    return database


def change(database):
    database.execute("INSERT INTO one VALUES (101, 1)", "UPDATE two SET n = 1 WHERE id = 1")


def test_states_are_global_by_default(tables, capture):
    state = capture(TABLES).run().states[-1]
    assert state["type"] == "GLOBAL" and "data" not in state
    assert isinstance(state["global"]["shared_state"], dict)
    descriptors = [one["stream_descriptor"] for one in state["global"]["stream_states"]]
    assert sorted(one["name"] for one in descriptors) == ["one", "two"]
    assert {one["namespace"] for one in descriptors} == {"public"}
    cursor = whole(state)["cursor"]
    assert "/" in cursor and state["global"]["shared_state"]["cursor"] == cursor
    assert {name: one["mode"] for name, one in whole(state)["streams"].items()} == {
        "public.one": "Active", "public.two": "Active"}
    assert whole(state)["streams"]["public.one"]["key_columns"] == ["id"]


def test_the_legacy_field_has_the_whole_when_asked_for(tables, capture):
    one = capture(TABLES, advanced={"state_type": "legacy"})
    state = one.run().states[-1]
    assert state["type"] == "GLOBAL" and state["data"] == whole(state)
    one.state = [{"data": state["data"]}]
    assert one.run().records == []


def test_states_of_streams_that_are_no_longer_captured_hold_nothing_back(tables, capture):
    """A platform may keep the state of a stream that it has deselected, and hand it back with the others."""
    one = capture(TABLES, advanced={"state_type": "stream"})
    one.run()
    one.streams = one.streams[:1]
    for number in range(3):
        tables.execute(f"INSERT INTO one VALUES ({1000 + number}, 0)", "UPDATE two SET n = n + 1")
        assert len(one.run().records) == 1
        assert len(one.state) == 2
    captured, left = (state["stream"]["stream_state"]["cursor"] for state in sorted(
        one.state, key=lambda state: state["stream"]["stream_descriptor"]["name"]))
    flushed = tables.value("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s",
                           (tables.slot,))
    assert tables.value("SELECT %s::pg_lsn > %s::pg_lsn", (flushed, left)) and captured > left


@pytest.mark.parametrize("passed", [True, False])
def test_a_stream_that_is_selected_again_beside_its_old_state(tables, capture, passed):
    """If the slot has passed its state, its changes meanwhile are lost: then only this stream is backfilled again."""
    one = capture(TABLES, advanced={"state_type": "stream", **SOON})
    one.run()
    both, one.streams = one.streams, one.streams[:1]
    tables.execute("UPDATE two SET n = 7", "DELETE FROM two WHERE id > 50")
    for number in range(3 if passed else 1):
        tables.execute(f"INSERT INTO one VALUES ({1000 + number}, 0)")
        one.run()
    one.streams = both
    count = len(one.records)
    tables.execute("INSERT INTO two VALUES (1000, 1)", "INSERT INTO one VALUES (2000, 1)")
    process = one.run()
    assert [record["data"]["id"] for record in one.records[count:] if record["stream"] == "one"] == [2000]
    assert bool(said_again(process, "public.two")) == passed, process.story()
    tables.execute("UPDATE two SET n = 8 WHERE id = 1")
    one.run()
    one.materialised({"one": ["id"], "two": ["id"]}, {"two": 2}).assert_equal(tables)


def test_the_cursor_proves_its_server_and_slot(tables, capture):
    data = whole(capture(TABLES).run().states[-1])
    text = json.dumps(data)
    assert tables.value("SELECT system_identifier::text FROM pg_control_system()") in text
    assert tables.slot in text


def test_states_by_stream_when_asked_for(tables, capture):
    one = capture(TABLES, advanced={"state_type": "stream"})
    states = one.run().states
    assert {state["type"] for state in states} == {"STREAM"}
    assert {state["stream"]["stream_descriptor"]["name"] for state in states} == set(TABLES)
    change(tables)
    assert len(one.run().records) == 2
    one.assert_equal(one=["id"], two=["id"])


def test_a_backfill_is_resumed_from_states_by_stream(database, capture):
    database.execute("CREATE TABLE big (id int PRIMARY KEY)", "INSERT INTO big SELECT generate_series(1, 20000)")
    one = capture(["big"], tail=True, advanced={"state_type": "stream", "backfill_chunk_size": 100})
    one.keep(one.start().wait_for_state(after=500).stop())
    one.tail = False
    one.run()
    assert len(one.records) == 20000


def test_a_kill_between_the_states_of_two_streams(tables, capture):
    """The streams then have states of different moments; each continues from its own."""
    one = capture(TABLES, tail=True, advanced={"state_type": "stream"})
    process = one.start().wait_for_active()
    for number in range(5):
        tables.transaction(f"INSERT INTO one VALUES ({1000 + number}, 0)", f"INSERT INTO two VALUES ({1000 + number}, 0)",
                           "UPDATE one SET n = n + 1 WHERE id < 4")
        process.wait_for(lambda run: run.records_before_last_state() == len(run.records) == 200 + 5 * (number + 1))
    process.stop()
    cut = next(index for index, message in enumerate(process.messages)
               if message["type"] == "STATE" and index and process.messages[index - 1]["type"] == "RECORD"
               and process.messages[index - 1]["record"]["data"]["_meta"]["source"].get("txid"))
    process.messages = process.messages[:cut + 1]
    one.keep(process)
    one.tail = False
    one.run()
    one.assert_equal(one=["id"], two=["id"])


FORMS = {
    "an array with the message's state": lambda state: [state],
    "one state without array": lambda state: state,
    "a message in its envelope": lambda state: {"type": "STATE", "state": state},
    "an array of envelopes": lambda state: [{"type": "STATE", "state": state}],
    "legacy alone, in an array": lambda state: [{"type": "LEGACY", "data": whole(state)}],
    "legacy without type": lambda state: {"data": whole(state)},
    "bare legacy data": lambda state: whole(state),
    "global without data": lambda state: [{"type": "GLOBAL", "global": state["global"]}],
    "global spelt with an underscore": lambda state: [{"type": "GLOBAL", "global_": state["global"]}],
    "explicit nulls": lambda state: [{"type": "GLOBAL", "stream": None, "data": None, "id": None,
                                      "global": state["global"], "sourceStats": None, "destinationStats": None}],
    "nulls beside legacy": lambda state: [{"type": "LEGACY", "stream": None, "global": None, "data": whole(state)}],
    "unknown members": lambda state: [{**state, "id": 7, "extra": {"a": [1]}}],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_state_is_taken_back_as(tables, capture, form):
    one = capture(TABLES)
    one.run()
    change(tables)
    one.state = FORMS[form](one.state[0])
    assert len(one.run().records) == 2
    one.assert_equal(one=["id"], two=["id"])


def test_a_state_may_have_nulls_beside_their_name(tables, capture):
    """PyAirbyte prints `global_` twice."""
    one = capture(TABLES, advanced={"state_type": "stream"})
    one.run()
    change(tables)
    arguments = one.arguments()
    with open(arguments[-1], "w", encoding="utf-8") as file:
        file.write(json.dumps([{**state, "global_": None} for state in one.state]).replace(
            '"global_": null', '"global_": null, "data": null, "global_": null'))
    one.arguments = lambda: arguments
    assert len(one.run().records) == 2


@pytest.mark.parametrize("empty", [[], {}, None, {"data": {}}, [{"type": "LEGACY", "data": {}}],
                                   [{"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": []}}],
                                   [{"type": "GLOBAL", "global": {"shared_state": None, "stream_states": []}}]])
def test_an_empty_state_means_from_the_beginning(tables, capture, empty):
    one = capture(TABLES)
    arguments = one.arguments() + ["--state", one.path("state.json", empty)]
    one.arguments = lambda: arguments
    assert len(one.run().records) == 200


def test_states_come_only_between_transactions(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    one = capture(["t"], tail=True)
    process = one.start().wait_for_active()
    for number in range(6):
        database.execute(f"INSERT INTO t SELECT n + {number * 5000} FROM generate_series(1, 5000) n")
    process.wait_for_state(after=30000).stop()
    one.keep(process)
    inside = None
    for before, after in zip(process.messages, process.messages[1:]):
        if before["type"] == "RECORD":
            inside = before["record"]["data"]["_meta"]["source"]["txid"]
        if before["type"] == "STATE" and after["type"] == "RECORD":
            assert after["record"]["data"]["_meta"]["source"]["txid"] != inside


def test_states_are_coalesced_under_load_and_prompt_when_quiet(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    one = capture(["t"], tail=True)
    process = one.start().wait_for_active()
    started = time.monotonic()
    database.execute("DO $$ BEGIN FOR n IN 1..20000 LOOP INSERT INTO t VALUES (n); COMMIT; END LOOP; END $$")
    process.wait_for_state(after=20000, limit_s=10 * PATIENCE)
    states, seconds = len(process.states), time.monotonic() - started
    assert states < 20 + 15 * seconds, f"{states} states in {seconds:.1f} s"
    process.stop()


TABLES_OF_ONE_ROW = int(os.environ.get("STATES_TABLES", "200"))


def test_of_many_tables_states_are_a_small_part_of_the_output(database, capture):
    """A state may be longer than a trickle of changes, and as long as the rows of small tables."""
    names = [f"t{n}" for n in range(TABLES_OF_ONE_ROW)]
    for first in range(0, len(names), 500):
        database.execute(*(f"CREATE TABLE {name} AS SELECT 1 AS id; ALTER TABLE {name} ADD PRIMARY KEY (id)"
                           for name in names[first:first + 500]))
    one = capture(names, tail=True)
    began = time.monotonic()
    process = one.start()
    process.wait_for_active(limit_s=120 * PATIENCE)
    backfilled, started = sizes(process), time.monotonic()
    for number in range(60):
        database.execute(f"INSERT INTO t0 VALUES ({number + 2})")
        time.sleep(0.05)
    process.wait_for(lambda run: run.records_before_last_state() == len(names) + 60, 15 * PATIENCE)
    ended = time.monotonic()
    one.keep(process.stop())
    all_records, all_states, largest = sizes(process)
    records, states, _ = backfilled
    print(f"{len(names)} tables in {started - began:.1f} s: {records} bytes of records, {states} of states; "
          f"{ended - started:.1f} s of a trickle: {all_records - records}, {all_states - states}")
    assert_paced(records, states, started - began, largest)
    assert_paced(all_records - records, all_states - states, ended - started, largest)


def sizes(process):
    """Bytes of records and of states so far, and of the largest state."""
    states = [len(message["raw"]) for message in process.of_type("STATE")]
    return sum(len(json.dumps(record, separators=(",", ":"))) for record in process.records), sum(states), max(states)


def assert_paced(records, states, seconds, largest):
    """A twentieth; what is free; one in ten seconds; and the first and the last, which do not wait."""
    most = records / 20 + 4096 * seconds + largest * (seconds / 10 + 2)
    assert states <= most, f"{states} bytes of states for {records} of records in {seconds:.1f} s"


def test_the_list_of_unseen_transactions_stays_short(database, capture):
    """With changes to rows that are still to be read: while the backfill waits, a snapshot shows which transactions are
    visible."""
    database.execute("CREATE TABLE first (id int PRIMARY KEY)", "INSERT INTO first SELECT generate_series(1, 5000)",
                     "CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 1000) n")
    one = capture(["first", "t"], tail=True, advanced={"backfill_workers": 1, "backfill_chunk_size": 20})
    with held_in_backfill(one, "first") as process:
        for n in range(6000):
            database.execute(f"UPDATE t SET n = n + 1 WHERE id = {1 + n % 1000}")
        position = int_of(database.value("SELECT pg_current_wal_lsn()"))
        process.wait_for(lambda run: int_of(whole(run.states[-1])["cursor"]) >= position)
        assert whole(process.states[-1])["streams"]["public.t"]["mode"] == "Backfill"
    one.keep(process.wait_for_active().stop())
    lengths = [len(whole(state).get("unseen", [])) for state in process.states]
    assert 0 < max(lengths) <= 2000, lengths
    one.assert_equal(first=["id"], t=["id"])


def int_of(lsn):
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def test_a_state_follows_a_lone_change_at_once(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    process = capture(["t"], tail=True).start().wait_for_active()
    database.execute("INSERT INTO t VALUES (1)")
    process.wait_for_records(1)
    started = time.monotonic()
    process.wait_for_state(after=1)
    seconds = time.monotonic() - started
    process.stop()
    assert seconds < 0.6 * PATIENCE


def test_a_state_of_many_streams_keeps_the_case_of_names(database, capture):
    database.execute('CREATE SCHEMA "Mixed"', 'CREATE TABLE "Mixed"."Case" ("Id" int PRIMARY KEY)',
                     'INSERT INTO "Mixed"."Case" VALUES (1)')
    one = capture([stream("Case", "Mixed")])
    data = whole(one.run().states[-1])
    assert list(data["streams"]) == ["Mixed.Case"] and data["streams"]["Mixed.Case"]["key_columns"] == ["Id"]
    assert one.run().records == []


def test_the_slot_is_not_advanced_beyond_the_state_that_was_given(database, capture):
    """States are not acknowledged here: only the one given at the start is known to be stored."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    one = capture(["t"])
    one.run()
    given = whole(one.state[0])["cursor"]
    database.execute("INSERT INTO t SELECT generate_series(2, 1000)")
    one.run()
    flushed = database.value("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s",
                             (database.slot,))
    assert database.value("SELECT %s::pg_lsn <= %s::pg_lsn", (flushed, given))


def test_an_older_state_may_be_used_again(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    one = capture(["t"])
    one.run()
    older = one.state
    database.execute("INSERT INTO t VALUES (2)")
    assert len(one.run().records) == 1
    one.state = older
    assert len(one.run().records) == 1


KEPT = "the server keeps"


@pytest.mark.since(12)  # wal_init_zero
def test_a_read_that_tails_says_when_much_wal_is_kept_for_it(tmp_path):
    """Changes captured since the start are not known to be stored. Every WAL segment is switched after a few bytes."""
    with Server(wal_init_zero="off") as empty:
        own = Database(empty)
        own.execute("CREATE TABLE t (id int PRIMARY KEY)")
        one = Capture(own, tmp_path, ["t"], tail=True, advanced={"check_interval": "1s"})
        process = one.start().wait_for_active()
        for number in range(63):
            own.execute(f"INSERT INTO t VALUES ({number})", "SELECT pg_switch_wal()")
        process.wait_for_state(after=63)
        assert KEPT not in process.stderr
        for number in range(63, 70):
            own.execute(f"INSERT INTO t VALUES ({number})", "SELECT pg_switch_wal()")
        process.wait_for_state(after=70).wait_for(lambda run: KEPT in run.stderr).stop()
        one.keep(process)
        said = [log["log"] for log in process.of_type("LOG") if KEPT in log["log"]["message"]]
        assert [log["level"] for log in said] == ["WARN"] and "GiB" in said[0]["message"]
        process = one.start()  # its state was stored
        own.wait_for("SELECT pg_current_wal_lsn() - confirmed_flush_lsn < 1024 ^ 3 FROM pg_replication_slots")
        process.stop()
        own.connection.close()
