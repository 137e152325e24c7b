"""Flow's capture protocol: every request, documents and checkpoints, acknowledgements, resuming from merged states."""

import json
import random
import time

import pytest

from connector import PATIENCE
from flow import Capture, Process, binding, flushed
from flow_protocol import number
from server import PASSWORD
from test_resume import ITEMS, changes, fill, moves
from writer import Writer


@pytest.fixture(name="flow")
def flow_captures(database):
    """flow(bindings, option=...): a capture of the test's database as Flow drives it."""
    made = []

    def make(bindings, **options):
        made.append(Capture(database, bindings, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill_all()


def ended(process, limit_s=20 * PATIENCE):
    """Its exit code, after the end of its input."""
    process.end_input()
    return process.finish(limit_s).process.returncode


def assert_refused(process, *words):
    process.finish(20 * PATIENCE)
    assert process.process.returncode > 0, process.story()
    last = json.loads(process.stderr.splitlines()[-1])
    assert last["level"] == "error"
    for word in words:
        assert word in last["msg"], last["msg"]


# Before a capture is open.


def test_spec_is_answered_as_often_as_it_is_asked():
    process = Process()
    spec = process.ask({"spec": {"connectorType": "IMAGE", "config": {}}})
    assert spec["configSchema"]["properties"]["credentials"]["properties"]["password"]["secret"] is True
    assert {"namespace", "stream", "mode", "priority"} == set(spec["resourceConfigSchema"]["properties"])
    assert process.ask({"spec": {}}) == spec
    assert ended(process) == 0


def test_the_end_of_the_input_is_the_end():
    assert ended(Process()) == 0


def test_a_signal_before_open_ends_it_with_exit_0():
    process = Process()
    process.ask({"spec": {}})
    process.stop()


def test_discover(database):
    database.execute(
        "CREATE TABLE items (id int, part text, n numeric, PRIMARY KEY (part, id))",
        'CREATE SCHEMA "s/1"', 'CREATE TABLE "s/1"."T ~" ("a/b~c" int PRIMARY KEY)', "CREATE TABLE nokey (a int)")
    process = Process()
    found = {one["recommendedName"]: one for one in process.ask({"discover": {"config": database.config()}})["bindings"]}
    assert ended(process) == 0
    assert set(found) == {"public/items", "public/nokey", "s_1/T__"}
    assert found["public/items"]["resourceConfig"] == {"namespace": "public", "stream": "items"}
    assert found["public/items"]["key"] == ["/part", "/id"]
    assert found["s_1/T__"]["resourceConfig"] == {"namespace": "s/1", "stream": "T ~"}
    assert found["s_1/T__"]["key"] == ["/a~1b~0c"]
    assert found["public/nokey"]["key"] == [f"/_meta/source/loc/{i}" for i in range(3)]
    (row,) = found["public/items"]["documentSchema"]["$defs"].values()
    assert row["required"] == ["part", "id"] and row["properties"]["n"]["format"] == "number"


def test_a_key_that_cannot_be_a_collections_is_for_reading_alone(database, flow):
    """Flow's keys are strings, integers and booleans."""
    for name, kind in (("floats", "float8"), ("arrays", "int[]"), ("documents", "jsonb"), ("numerics", "numeric")):
        database.execute(f"CREATE TABLE {name} (k {kind} PRIMARY KEY, n int)")
    database.execute("INSERT INTO floats SELECT n / 7.0, n FROM generate_series(1, 1000) n", "INSERT INTO floats VALUES ('NaN', 0)")
    process = Process()
    found = process.ask({"discover": {"config": database.config()}})["bindings"]
    assert ended(process) == 0
    place = [f"/_meta/source/loc/{i}" for i in range(3)]
    assert {one["resourceConfig"]["stream"]: one["key"] for one in found} == {
        "floats": place, "arrays": place, "documents": place, "numerics": ["/k"]}
    assert all("mode" not in one["resourceConfig"] for one in found)
    one = flow([binding("floats", key=())], advanced={"backfill_chunk_size": 10})
    one.run()
    database.execute("UPDATE floats SET k = -k WHERE n = 3")
    assert [doc["doc"]["_meta"]["op"] for doc in one.run().docs] == ["d", "c"]
    assert one.state["streams"]["public%2Ffloats"]["key_columns"] == ["k"]
    one.assert_equal(floats=["k"])


def test_history_mode_keeps_every_document(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = Process()
    (one,) = process.ask({"discover": {"config": database.config(historyMode=True)}})["bindings"]
    assert ended(process) == 0
    source = one["documentSchema"]["allOf"][0]["properties"]["_meta"]["properties"]["source"]
    assert source["reduce"] == {"strategy": "lastWriteWins", "associative": False}
    assert one["key"] == ["/id"]


def test_flows_own_spelling_of_the_configuration(database, flow):
    database.execute(ITEMS, fill(3))
    config = {"address": f"127.0.0.1:{database.server.port}", "user": "postgres", "database": database.name,
              "credentials": {"auth_type": "UserPassword", "password": PASSWORD}, "historyMode": False,
              "advanced": {"publicationName": database.publication, "slotName": database.slot,
                           "watermarksTable": database.watermarks, "skip_backfills": "", "sslmode": "",
                           "backfill_chunk_size": 4096, "discover_schemas": [], "source_tag": "here"}}
    one = flow(["items"])
    one.config = config
    process = one.run()
    assert len(process.docs) == 3 and process.docs[0]["doc"]["_meta"]["source"]["tag"] == "here"


def validate(database, *bindings, **options):
    return {"validate": {"name": "acme/capture", "connectorType": "IMAGE", "config": database.config(**options),
                         "bindings": list(bindings), "lastCapture": {"name": "acme/capture"}, "lastVersion": "11"}}


def test_validate_names_the_resources_in_their_order(database):
    database.execute("CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int PRIMARY KEY)")
    process = Process()
    body = process.ask(validate(database, binding("b"), binding("a")))
    assert [one["resourcePath"] for one in body["bindings"]] == [["public", "b"], ["public", "a"]]
    assert process.ask(validate(database)) == {"bindings": []}
    assert process.ask({"apply": {"capture": {"config": database.config(), "bindings": [binding("a")]},
                                  "version": "12", "lastVersion": "11"}}) == {}
    assert ended(process) == 0
    assert database.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (database.slot,)) == 0


def test_validate_reports_every_problem(database):
    process = Process()
    process.send(validate(database, binding("missing"), binding("lost")))
    assert_refused(process, "missing", "lost")


def test_validate_finds_a_collections_key_that_may_repeat(database):
    database.execute("CREATE TABLE items (order_id int, line int, PRIMARY KEY (order_id, line))")
    process = Process()
    process.ask(validate(database, binding("items", key=["line", "order_id"])))
    process.ask(validate(database, binding("items", key=["order_id"], mode="Without Primary Key")))
    process.send(validate(database, binding("items", key=["order_id"])))
    assert_refused(process, "order_id, line", "Without Primary Key", "CREATE UNIQUE INDEX")


KEYED = "CREATE TABLE items (id int PRIMARY KEY, code int NOT NULL UNIQUE, n int)"


@pytest.mark.parametrize("mode", ["", "Normal", "Precise", "Only Changes", "Without Primary Key"])
def test_a_key_that_changes_would_not_tell_is_refused_by_validate_and_by_open(database, flow, mode):
    database.execute(KEYED, "CREATE TABLE other (LIKE items INCLUDING ALL)")
    bindings = [binding(name, key=["code"], mode=mode) for name in ("items", "other")]
    process = Process()
    process.send(validate(database, *bindings))
    process.end_input()
    assert_refused(process, '"code"', 'ALTER TABLE "public"."items" REPLICA IDENTITY FULL', "or choose",
                   'ALTER TABLE "public"."other" REPLICA IDENTITY FULL')
    assert_refused(flow(bindings[:1]).start(), '"code"', 'ALTER TABLE "public"."items" REPLICA IDENTITY FULL', "or choose")
    database.execute("ALTER TABLE items REPLICA IDENTITY USING INDEX items_code_key", "ALTER TABLE other REPLICA IDENTITY FULL")
    process = Process()
    process.ask(validate(database, *bindings))
    assert ended(process) == 0


@pytest.mark.parametrize("mode, fine", [("Normal", False), ("Only Changes", True), ("Without Primary Key", True)])
def test_of_a_key_that_is_a_place_in_the_log_only_what_rows_are_read_by_must_be_told(database, flow, mode, fine):
    database.execute(KEYED, "INSERT INTO items VALUES (1, 10, 0)", "ALTER TABLE items REPLICA IDENTITY USING INDEX items_code_key")
    one = binding("items", key=(), mode=mode)
    process = Process()
    process.send(validate(database, one))
    process.end_input()
    if not fine:
        assert_refused(process, '"id"', "REPLICA IDENTITY FULL")
        return
    assert process.finish().process.returncode == 0
    capture = flow([one])
    capture.run()
    database.execute("UPDATE items SET code = 11", "UPDATE items SET id = 2", "DELETE FROM items")
    changes = [doc["doc"] for doc in capture.run().docs]
    assert [doc["_meta"]["op"] for doc in changes] == ["u", "u", "d"] and changes[0]["_meta"]["before"] == {"code": 10}


@pytest.mark.parametrize("key, mode, word", [
    (["gone"], "Normal", "gone"), (["gone"], "Only Changes", "gone"), (["gone"], "Without Primary Key", "gone"),
    (["id", "n"], "Normal", "SET NOT NULL")])
def test_a_key_that_cannot_serve_is_refused_by_validate_and_by_open(database, flow, key, mode, word):
    database.execute(KEYED, "ALTER TABLE items REPLICA IDENTITY FULL")
    process = Process()
    process.send(validate(database, binding("items", key=key, mode=mode)))
    process.end_input()
    assert_refused(process, word, "public.items")
    assert_refused(flow([binding("items", key=key, mode=mode)]).start(), word, "public.items")


def test_validate_of_a_capture_that_is_running(database, flow):
    database.execute(ITEMS, fill(3))
    running = flow(["items"]).start().wait_for_docs(3)
    process = Process()
    process.ask(validate(database, binding("items")))
    assert ended(process) == 0
    running.stop()


@pytest.mark.parametrize("line, word", [
    ("{\n", "JSON"), ("[]\n", "object"), ('{"what":{}}\n', "none of"), ('{"spec":{},"apply":{}}\n', "more than one"),
    ('{"acknowledge":{}}\n', "before a capture is open"), ('{"open":{"capture":{}}}\n', "config"),
    ('{"discover":{"config":{"host":"h","user":"u","pasword":"hunter2"}}}\n', "nearest"),
    ('{"open":{"capture":{"config":{"host":"h","user":"u"},"bindings":[{"resourceConfig":{"stream":"t"}}]}}}\n',
     "namespace"),
    (json.dumps({"open": {"capture": {"config": {"host": "h", "user": "u"}, "bindings": [binding("t"), binding("t", backfill=1)]}}}) + "\n",
     "bindings[1] has the same table as bindings[0]"),
    (json.dumps({"open": {"capture": {"config": {"host": "h", "user": "u"}, "bindings": [
        {**binding("t"), "stateKey": "one"}, {**binding("u"), "stateKey": "one"}]}}}) + "\n",
     "bindings[1] has the same stateKey as bindings[0]"),
])
def test_malformed_requests_are_refused(line, word):
    process = Process()
    process.send(line)
    assert_refused(process, word)
    assert "hunter2" not in process.stderr and not process.messages


def test_a_wrong_password_is_not_repeated(database):
    process = Process()
    process.send({"discover": {"config": database.config(password="wr0ng-pass")}})
    assert_refused(process, "password")
    assert "wr0ng-pass" not in process.stderr


def test_a_malformed_request_of_megabytes():
    process = Process()
    process.send('{"spec":"' + "x" * 3000000 + '"}\n')
    assert_refused(process, "object")


RUBBISH = {"zeros": b"\x00\x00\n", "no UTF-8": b'{"spec":"\xff\xfe"}\n', "a zero behind": b'{"spec":{}}\x00\n',
           "two": b'{"spec":{}}{"spec":{}}\n', "deep": b'{"spec":' + b'{"a":' * 100000 + b"\n",
           "random": random.Random(1).randbytes(100000) + b"\n"}


@pytest.mark.parametrize("data", RUBBISH)
def test_rubbish_is_refused_before_and_after_open(database, flow, data):
    database.execute(ITEMS, fill(3))
    for process in (Process(), flow(["items"]).start().wait_for_quiet(3)):
        process.process.stdin.write(RUBBISH[data])
        assert_refused(process, "request is not valid JSON")


def test_a_line_without_an_end_is_refused_once_it_is_too_long():
    process = Process()
    with pytest.raises(BrokenPipeError):
        for _ in range(300):
            process.process.stdin.write(b"x" * 1000000)
    assert_refused(process, "longer than 256 MiB")


def test_what_a_request_holds_besides_is_ignored(database, flow):
    database.execute(ITEMS, fill(3))
    besides = {"$internal": "CgQIARAB", "later": [1, {"x": None}]}
    process = Process()
    for request in ({"spec": {}}, {"discover": {"config": database.config()}}, validate(database, binding("items")),
                    {"apply": {"capture": {"config": database.config(), "bindings": []}}}):
        (kind, body), = request.items()
        process.ask({kind: {**body, **besides}, **besides})
    assert ended(process) == 0
    one = flow(["items"])
    one.bindings[0].update(besides)
    process = one.start().wait_for_quiet(3)
    process.send({"acknowledge": {"checkpoints": 0, **besides}, **besides})
    process.send({"acknowledge": {"checkpoints": 1000}})
    assert_refused(process, "1000 checkpoints")


def test_a_request_of_megabytes(database, flow):
    database.execute(ITEMS, fill(3))
    one = flow(["items"])
    one.bindings[0]["collection"]["writeSchema"] = {"description": "x" * 8000000}
    assert len(one.run().docs) == 3


# An open capture.


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
                     "CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)", "CREATE TABLE other (x int)")
    process = flow([binding("nokey", key=()), "parts", "a"], advanced={"discover_schemas": ["elsewhere"]}).run()
    schemas = {one["binding"]: one["documentSchema"] for one in process.of_kind("sourcedSchema")}
    assert set(schemas) == {0, 1, 2}
    assert set(schemas[0]["properties"]) == {"x", "_meta"} and schemas[0]["required"] == ["_meta"]
    assert set(schemas[2]["properties"]) == {"id", "j", "_meta"} and set(schemas[2]["required"]) == {"id", "_meta"}


def test_shutdown_after_polling_ends_at_what_was_committed(database, flow):
    database.execute(ITEMS, fill(500))
    one = flow(["items"])
    assert len(one.run().docs) == 500
    database.execute("UPDATE items SET n = 1 WHERE id <= 7")
    process = one.run()
    assert len(process.docs) == 7 and "checkpoint" in process.messages[-1]
    assert process.of_kind("sourcedSchema")
    one.assert_equal(items=["id"])


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
    ("nonsense\n", "JSON"),
])
def test_requests_out_of_order_end_the_capture(database, flow, request_after, word):
    database.execute(ITEMS, fill(10))
    process = flow(["items"]).start().wait_for_quiet(10)
    process.send(request_after)
    assert_refused(process, word)


def test_an_error_while_nobody_reads_is_said_last(database, flow):
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


# Modes and keys.


def test_only_changes(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow([binding("items", mode="Only Changes")])
    process = one.start().wait_for_active()
    database.execute("UPDATE items SET n = 1 WHERE id = 1")
    process.wait_for_quiet(1).stop()
    assert [doc["doc"]["_meta"]["op"] for doc in process.docs] == ["u"]


@pytest.mark.parametrize("mode", ["Normal", "Precise"])
def test_backfill_modes_are_exact(database, flow, mode):
    database.execute(ITEMS, fill(5000))
    one = flow([binding("items", mode=mode)], advanced={"backfill_chunk_size": 200})
    with Writer(database, changes(rows=5000), 3, 0.002):
        process = one.start()
        process.wait_for_active()
        one.commit(process)
        process.stop()
        one.commit(process)
    one.run()
    one.assert_equal(items=["id"])


def test_without_primary_key(database, flow):
    """Even where there is one."""
    database.execute(ITEMS, fill(5000))
    one = flow([binding("items", key=(), mode="Without Primary Key")], advanced={"backfill_chunk_size": 200})
    one.run()
    database.execute("UPDATE items SET n = 1 WHERE id < 100", "DELETE FROM items WHERE id > 4990",
                     "UPDATE items SET id = id + 10000 WHERE id BETWEEN 200 AND 220")
    one.run()
    assert one.state["streams"] == {"public%2Fitems": {"mode": "Active", "backfilled": 5000}}
    one.assert_equal(items=["id"])


@pytest.mark.parametrize("key", [["id"], []])
@pytest.mark.parametrize("mode", ["Normal", "Only Changes", "Without Primary Key"])
def test_a_changed_key_is_a_delete_and_a_create_in_every_mode(database, flow, mode, key):
    """Beside the backfill and after it, whatever the key of the collection."""
    database.execute(ITEMS, fill(20000))
    one = flow([binding("items", mode=mode, key=key)], advanced={"backfill_chunk_size": 100})
    process = one.start()
    if mode == "Only Changes":
        process.wait_for_active()
    else:
        process.wait_for_docs(1)
    database.execute("UPDATE items SET id = -1 WHERE id = 1")
    process.wait_for_active()
    database.execute("UPDATE items SET id = -2 WHERE id = 2", "UPDATE items SET n = 7 WHERE id = -2")
    process.wait_for(lambda run: run.docs and run.docs[-1]["doc"]["_meta"]["op"] == "u").stop()
    changed = [(doc["doc"]["_meta"]["op"], doc["doc"]["id"]) for doc in process.docs
               if not doc["doc"]["_meta"]["source"].get("snapshot")]
    assert changed == [("d", 1), ("c", -1), ("d", 2), ("c", -2), ("u", -2)]


def test_a_key_by_which_nothing_is_read_may_go(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow([binding("items", key=(), mode="Without Primary Key")])
    process = one.start().wait_for_quiet(10)
    database.execute("ALTER TABLE items RENAME id TO number", "UPDATE items SET number = -1 WHERE number = 1",
                     "ALTER TABLE items DROP COLUMN number", "ALTER TABLE items REPLICA IDENTITY FULL", "DELETE FROM items")
    process.wait_for_quiet(21).stop()


def test_higher_priorities_are_backfilled_first(database, flow):
    for name in ("low", "none", "high"):
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, n int, name text)", fill(200, name))
    process = flow([binding("low", priority=-1), "none", binding("high", priority=5)]).run()
    order = [doc["binding"] for doc in process.docs]
    assert order == [2] * 200 + [1] * 200 + [0] * 200


def test_the_collections_key_is_the_key(database, flow):
    database.execute('CREATE TABLE items (id int PRIMARY KEY, "a/b" int NOT NULL UNIQUE)',
                     "INSERT INTO items SELECT n, 1000 - n FROM generate_series(1, 100) n",
                     "ALTER TABLE items REPLICA IDENTITY FULL")
    one = flow([binding("items", key=["a/b"])], advanced={"backfill_chunk_size": 7})
    one.run()
    (stream,) = one.state["streams"].values()
    assert stream["key_columns"] == ["a/b"]
    one.assert_equal(items=["a/b"])


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
    process.wait_for_quiet(11).stop()  # the slot stands where the capture does: that is no gap


def test_the_slot_waits_for_acknowledgements_through_keepalives_kills_and_restarts(database, flow):
    """What is committed is what is acknowledged here, a few checkpoints at a time. The server asks for an answer every
    second, whether there is anything new or not."""
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
            for _ in range(6):  # idle, with a checkpoint that nobody acknowledges
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


# Resuming.


@pytest.mark.limit(240)
@pytest.mark.parametrize("seed", range(2))
def test_kill_at_any_moment(database, flow, seed):
    """Whatever was committed, acknowledged or not: the documents add up, and the slot was never ahead."""
    database.execute(ITEMS, fill(20000))
    chance = random.Random(seed)
    one = flow(["items"], advanced={"backfill_chunk_size": 500})
    with Writer(database, changes(), seed, 0.002, 0.8), Writer(database, moves(), seed + 100, 0.003):
        for _ in range(10):
            process = one.start()
            for _ in range(chance.randint(0, 4)):
                time.sleep(chance.uniform(0.02, 0.3) * PATIENCE)
                one.commit(process, acknowledge=chance.random() < 0.7)
                if "cursor" in one.state:
                    assert flushed(database) <= number(one.state["cursor"])
            if chance.random() < 0.5:
                one.kill(process)
            else:
                process.kill()  # what was not committed is lost
    one.run()
    one.assert_equal(items=["id"])


def test_patches_hold_what_changed_and_merge_to_the_whole(database, flow):
    names = [f"t{index}" for index in range(20)]
    for name in names:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, n int, name text)", fill(30, name))
    one = flow(names)
    process = one.start().wait_for_quiet(600)
    before = len(process.messages)
    database.execute("UPDATE t3 SET n = 1 WHERE id = 1")
    process.wait_for(lambda run: any("checkpoint" in message for message in run.messages[before:]))
    for message in process.messages[before:]:
        if "checkpoint" in message:
            assert set(message["checkpoint"]["state"]["updated"]) == {"cursor"}
    one.commit(process)
    process.stop()
    assert set(one.state) == {"cursor", "system_identifier", "timeline", "slot", "database", "streams"}
    assert set(one.state["streams"]) == {f"public%2F{name}" for name in names}
    for stream in one.state["streams"].values():
        assert stream == {"mode": "Active", "key_columns": ["id"], "backfilled": 30}


def test_a_bumped_counter_reads_those_bindings_again(database, flow):
    names = [f"t{index}" for index in range(50)]
    for name in names:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, n int, name text)", fill(50, name))
    one = flow(names)
    one.run()
    database.execute("UPDATE t0 SET n = 1 WHERE id = 1", "UPDATE t5 SET n = 1 WHERE id = 1")
    bumped = (5, 17, 42)
    for index in bumped:
        one.bindings[index] = binding(names[index], backfill=1)
    process = one.run()
    first = process.of_kind("checkpoint")[1]["state"]["updated"]
    assert set(first["streams"]) == {f"public%2Ft{index}{version}" for index in bumped for version in ("", ".v1")}
    docs = {index: [doc["doc"] for doc in process.docs if doc["binding"] == index] for index in range(50)}
    for index in range(50):
        snapshot = [doc for doc in docs[index] if doc["_meta"]["source"].get("snapshot")]
        if index in bumped:
            assert len({doc["id"] for doc in docs[index]}) == 50, index
        else:
            assert not snapshot and len(docs[index]) == (index == 0), index
    assert {name for name in one.state["streams"] if ".v1" in name} == {f"public%2Ft{index}.v1" for index in bumped}
    assert len(one.state["streams"]) == 50


def test_bindings_are_reordered_disabled_and_enabled(database, flow):
    for name in ("a", "b", "c"):
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, n int, name text)", fill(20, name))
    one = flow(["a", "b"])
    one.run()
    a, b = one.bindings
    one.bindings = [binding("c"), b, a]
    database.execute("UPDATE a SET n = 1 WHERE id = 1", "UPDATE b SET n = 1 WHERE id <= 2")
    process = one.run()
    counts = [sum(doc["binding"] == index for doc in process.docs) for index in range(3)]
    assert counts == [20, 2, 1]
    one.assert_equal(a=["id"], b=["id"], c=["id"])
    one.bindings = [a]
    database.execute("DELETE FROM b WHERE id > 10")
    one.run()
    assert set(one.state["streams"]) == {"public%2Fa"}
    one.bindings = [b, a]
    process = one.run()
    assert [doc["binding"] for doc in process.docs] == [0] * 10
    assert set(one.state["streams"]) == {"public%2Fa", "public%2Fb"}


def test_a_binding_with_another_key_goes_on_when_its_rows_are_out(database, flow):
    database.execute(ITEMS, fill(20), "CREATE UNIQUE INDEX ON items (id, n)", "ALTER TABLE items ALTER n SET NOT NULL",
                     "ALTER TABLE items REPLICA IDENTITY FULL")
    one = flow(["items"])
    one.run()
    one.bindings = [binding("items", key=["n", "id"])]
    database.execute("UPDATE items SET n = 1 WHERE id = 1")
    assert [doc["doc"]["_meta"]["op"] for doc in one.run().docs] == ["d", "c"]
    one.assert_equal(items=["id"])


@pytest.mark.parametrize("changed", [{"key": ["n", "id"]}, {"mode": "Without Primary Key"}])
def test_a_binding_that_is_read_in_another_order_is_read_again(database, flow, changed):
    database.execute(ITEMS, fill(20000), "CREATE UNIQUE INDEX ON items (n, id)", "ALTER TABLE items ALTER n SET NOT NULL",
                     "ALTER TABLE items REPLICA IDENTITY FULL")
    one = flow(["items"], advanced={"backfill_chunk_size": 100})
    process = one.start().wait_for_docs(500)
    one.commit(process)
    process.kill()
    one.bindings = [binding("items", **changed)]
    process = one.run()
    assert len(process.docs) == 20000 and "read again from the beginning" in process.stderr


def test_without_bindings_there_is_a_capture_of_nothing(database, flow):
    database.execute(ITEMS, fill(5))
    one = flow(["items"])
    one.run()
    one.bindings = []
    assert not one.run().docs
    assert one.state["streams"] == {}


def test_a_slot_that_was_dropped_is_a_gap_until_all_bindings_begin_anew(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')", "UPDATE items SET n = 1 WHERE id = 1")
    process = one.start()
    assert_refused(process, database.slot, "raise the backfill counter of all its bindings")
    assert "without a state" not in process.stderr
    one.bindings = [binding("items", backfill=1)]
    process = one.run()
    assert len(process.docs) == 10 and "begin anew" in process.stderr
    assert set(one.state["streams"]) == {"public%2Fitems.v1"}


def test_a_table_that_cannot_go_on_is_the_matter_of_its_binding(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    process = one.start().wait_for_quiet(10)
    database.execute("ALTER TABLE items DROP COLUMN id", "INSERT INTO items VALUES (1, 'x')")
    assert_refused(process, "public.items", '"id"', "raise the backfill counter of its binding")


def test_a_state_of_another_server_is_refused(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    one.run()
    one.state["system_identifier"] = "7300000000000000000"
    assert_refused(one.start(), "7300000000000000000")


def test_documents_are_what_records_are(database, flow, capture):
    """Both protocols print the same body."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n numeric, t timestamptz, j jsonb, b bytea)",
                     "INSERT INTO items SELECT n, n / 7.0, now(), jsonb_build_object('n', n), '\\x01' FROM generate_series(1, 50) n")
    docs = [doc["doc"] for doc in flow(["items"]).run().docs]
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    one = capture(["items"])
    one.run()
    assert docs == [record["data"] for record in one.records]
