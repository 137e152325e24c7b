"""Flow's requests before a capture is open, and requests that no capture can take."""

import json
import random
import struct

import pytest

import flow_proto
from flow import Process, assert_refused, binding, ended, validate
from server import PASSWORD
from test_resume import ITEMS, fill


def test_spec_is_answered_as_often_as_it_is_asked():
    process = Process()
    spec = process.ask({"spec": {"connectorType": "IMAGE", "config": {}}})
    assert spec["configSchema"]["properties"]["credentials"]["properties"]["password"]["secret"] is True
    assert {"namespace", "stream", "mode", "priority", "advanced"} == set(spec["resourceConfigSchema"]["properties"])
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
        'CREATE SCHEMA "s/1"', 'CREATE TABLE "s/1"."T ~" ("a/b~c" int PRIMARY KEY)', "CREATE TABLE nokey (a int)",
        "ALTER TABLE nokey REPLICA IDENTITY FULL")
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


def test_validate_of_a_capture_that_is_running(database, flow):
    database.execute(ITEMS, fill(3))
    running = flow(["items"]).start().wait_for_docs(3)
    process = Process()
    process.ask(validate(database, binding("items")))
    assert ended(process) == 0
    running.stop()


@pytest.mark.codec("json")
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


@pytest.mark.codec("json")
def test_a_malformed_request_of_megabytes():
    process = Process()
    process.send('{"spec":"' + "x" * 3000000 + '"}\n')
    assert_refused(process, "object")


RUBBISH = {"zeros": b"\x00\x00\n", "no UTF-8": b'{"spec":"\xff\xfe"}\n', "a zero behind": b'{"spec":{}}\x00\n',
           "two": b'{"spec":{}}{"spec":{}}\n', "deep": b'{"spec":' + b'{"a":' * 100000 + b"\n",
           "random": random.Random(1).randbytes(100000) + b"\n"}


@pytest.mark.codec("json")
@pytest.mark.parametrize("data", RUBBISH)
def test_rubbish_is_refused_before_and_after_open(database, flow, data):
    database.execute(ITEMS, fill(3))
    for process in (Process(), flow(["items"]).start().wait_for_quiet(3)):
        process.process.stdin.write(RUBBISH[data])
        assert_refused(process, "request is not valid JSON")


@pytest.mark.codec("json")
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


def test_errors_name_what_a_flow_user_wrote(database):
    config = {"address": "127.0.0.1:1", "user": "postgres", "credentials": {"auth_type": "UserPassword", "password": PASSWORD}}
    process = Process()
    process.send({"discover": {"config": config}})
    assert_refused(process, 'check "address", and')
    database.execute(f"SELECT pg_create_physical_replication_slot('{database.slot}')")
    config = {**config, "address": f"127.0.0.1:{database.server.port}", "database": database.name, "advanced": {"slotName": database.slot}}
    process = Process()
    process.send({"validate": {"config": config, "bindings": []}})
    assert_refused(process, "advanced.slotName")


def test_a_mode_that_changed_needs_a_raised_counter(database):
    database.execute(ITEMS)
    request = validate(database, binding("items", mode="Only Changes"))
    request["validate"]["lastCapture"] = {"name": "acme/capture", "config": {"sops": "…"}, "bindings": [binding("items")]}
    process = Process()
    process.send(request)
    assert_refused(process, "public.items", "mode", "backfill counter")
    request["validate"]["bindings"] = [binding("items", mode="Only Changes", backfill=1)]
    process = Process()
    process.ask(request)
    assert ended(process) == 0


def test_linked_collections(database, flow):
    """With it, a binding's own state does not count: the platform may send an empty one."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, code int NOT NULL UNIQUE)", "INSERT INTO items VALUES (1, 2)",
                     "ALTER TABLE items REPLICA IDENTITY FULL")
    one = flow([binding("items", key=["code"])])
    linked = [{"name": "acme/other", "key": ["/nothing"]}, one.bindings[0].pop("collection")]
    one.bindings[0].update(collectionIndex=1, collection={"name": "", "key": []})
    process = Process()
    process.ask({"validate": {"name": "a/b", "connectorType": "IMAGE", "config": one.config, "bindings": one.bindings, "linkedCollections": linked}})
    assert ended(process) == 0
    process = Process()
    process.send({"validate": {"name": "a/b", "connectorType": "IMAGE", "config": one.config, "bindings": one.bindings,
                               "linkedCollections": linked[:1]}})
    assert_refused(process, "collectionIndex names linked collection 1")
    request = one.request()
    request["open"]["capture"]["linkedCollections"] = linked
    one.request = lambda: request
    one.run()
    assert one.state["streams"]["public%2Fitems"]["key_columns"] == ["code"]


# A later protocol's: bytes, a varint, fixed64 and fixed32, by numbers that are not taken.
LATER = b"\xa2\x06\x05hello" + b"\xa8\x06\x96\x01" + b"\xb1\x06" + bytes(8) + b"\xbd\x06" + bytes(4)


@pytest.mark.codec("proto")
def test_fields_that_are_not_known_are_skipped(database, flow):
    database.execute(ITEMS, fill(3))
    one = flow(["items"])
    process = Process(SHUTDOWN_AFTER_POLLING="yes")
    process.session.requested(one.request())
    message = flow_proto.encode(one.request())[4:] + LATER
    process.process.stdin.write(struct.pack("<I", len(message)) + message)
    assert len(process.succeed().docs) == 3


BROKEN = {"no message": b"\x02\0\0\0\xff\xff", "cut off": b"\x40\0\0\0\x0a\0", "a part of a length": b"\x02\0", "nothing": b"\0\0\0\0",
          "two": b"\x04\0\0\0\x0a\0\x12\0", "no JSON": b"\x07\0\0\0\x12\x05\x12\x03{,}"}


@pytest.mark.codec("proto")
@pytest.mark.parametrize("name, words", [
    ("no message", "not a valid message"), ("cut off", "in the middle of it"), ("a part of a length", "in the middle of it"),
    ("nothing", "none of"), ("two", "more than one"), ("no JSON", "config is not valid JSON")])
def test_broken_frames_are_refused(name, words):
    process = Process()
    process.process.stdin.write(BROKEN[name])
    process.end_input()
    assert_refused(process, words)
    assert not process.messages


@pytest.mark.codec("proto")
def test_a_frame_that_is_too_long_is_refused():
    process = Process()
    process.process.stdin.write(b'{"spec":{}}\n')
    assert_refused(process, "more than 256 MiB", "FLOW_RUNTIME_CODEC")


@pytest.mark.codec("json")
def test_an_unknown_codec_is_refused():
    process = Process.__new__(Process)
    process.codec = "yaml"
    process.__init__()
    assert_refused(process, "FLOW_RUNTIME_CODEC", "json or proto")


def test_a_document_larger_than_every_buffer(database, flow):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, a text, b text)",
                     "INSERT INTO items SELECT n, repeat('x', n * 300000), repeat('y', 10) FROM generate_series(1, 9) n")
    process = flow(["items"]).run()
    assert sorted((doc["doc"]["id"], len(doc["doc"]["a"]), doc["doc"]["b"]) for doc in process.docs) == [
        (n, n * 300000, "y" * 10) for n in range(1, 10)]
