"""Flow's bindings: their modes and keys, and how they change from one session to the next."""

import random
import time

import pytest

from connector import PATIENCE
from flow import Process, assert_refused, binding, ended, flushed, validate
from flow_protocol import number
from test_resume import ITEMS, changes, fill, moves
from writer import Writer

pytestmark = pytest.mark.every_other


def entry_oid(database, table):
    return database.value("SELECT oid::bigint FROM pg_publication_rel WHERE prrelid = %s::regclass", (table,))


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
    oid = database.value("SELECT 'items'::regclass::oid::bigint")
    state = one.state["streams"]["public%2Fitems"]
    assert state.pop("terms") and len(one.state["streams"]) == 1
    assert state == {"mode": "Active", "oid": oid, "published_by": entry_oid(database, "items"), "backfilled": 5000}
    one.assert_equal(items=["id"])


def test_without_primary_key_beside_writers(database, flow):
    """A row comes as the snapshot saw it, before or after its changes: merged in the order of `loc`, the documents add
    up."""
    database.execute(ITEMS.replace("PRIMARY KEY", "NOT NULL"), "CREATE INDEX ON items (id)",
                     "ALTER TABLE items REPLICA IDENTITY FULL", fill(20000))
    one = flow([binding("items", mode="Without Primary Key")], advanced={"backfill_chunk_size": 500})

    def rewrites(chance):
        key, new = chance.randint(1, 20000), chance.randint(20001, 1 << 30)
        return [chance.choice((f"UPDATE items SET n = n + 1 WHERE id = {key}", f"DELETE FROM items WHERE id = {key}",
                               f"INSERT INTO items VALUES ({new}, -1, 'new')"))]

    with Writer(database, rewrites, 1, 0.002), Writer(database, moves(), 2, 0.003):
        for seen in (1000, 5000, 9000):
            process = one.start().wait_for_docs(seen)
            one.kill(process)
        process = one.start().wait_for_active()
        process.stop()
        one.commit(process)
    one.run()
    rows, snapshot = {}, []
    for doc in sorted((record["data"] for record in one.records), key=lambda doc: doc["_meta"]["source"]["loc"]):
        if doc["_meta"]["op"] == "d":
            rows.pop(doc["id"], None)
        else:
            rows[doc["id"]] = {**rows.get(doc["id"], {}), **doc}
        snapshot += [doc["id"]] if "snapshot" in doc["_meta"]["source"] else []
    assert len(snapshot) == len(set(snapshot)) > 1000
    assert sorted((row["id"], row["n"], row["name"]) for row in rows.values()) == sorted(database.query("SELECT id, n, name FROM items"))


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


KEYED = "CREATE TABLE items (id int PRIMARY KEY, code int NOT NULL UNIQUE, n int)"


@pytest.mark.parametrize("mode", ["", "Normal", "Precise", "Only Changes", "Without Primary Key"])
def test_a_key_that_changes_lack_is_refused_by_validate_and_by_open(database, flow, mode):
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
def test_with_a_place_in_the_log_as_key_changes_need_only_the_key_that_rows_are_read_by(database, flow, mode, fine):
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
    for name in names:
        oid = database.value(f"SELECT '{name}'::regclass::oid::bigint")
        state = one.state["streams"][f"public%2F{name}"]
        assert state.pop("terms")
        assert state == {
            "mode": "Active", "oid": oid, "published_by": entry_oid(database, name), "key_columns": ["id"], "backfilled": 30}


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


def test_a_binding_with_another_key_continues_when_its_rows_are_out(database, flow):
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
    assert len(process.docs) == 20000 and "backfilled again" in process.stderr


def test_a_backfill_is_given_up_when_only_changes_are_wanted(database, flow):
    database.execute(ITEMS, fill(20000))
    one = flow(["items"], advanced={"backfill_chunk_size": 100})
    process = one.start().wait_for_docs(500)
    one.commit(process)
    process.kill()
    one.bindings = [binding("items", mode="Only Changes")]
    database.execute("UPDATE items SET n = 1 WHERE id IN (1, 20000)")
    process = one.run()
    assert [doc["doc"]["id"] for doc in process.docs] == [1, 20000] and "given up" in process.stderr
    assert one.state["streams"]["public%2Fitems"]["mode"] == "Active"


def test_without_bindings_there_is_a_capture_of_nothing(database, flow):
    database.execute(ITEMS, fill(5))
    one = flow(["items"])
    one.run()
    one.bindings = []
    assert not one.run().docs
    assert one.state["streams"] == {}


def test_a_slot_that_was_dropped_is_a_gap_until_all_bindings_are_backfilled_again(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    one.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')", "UPDATE items SET n = 1 WHERE id = 1")
    process = one.start()
    assert_refused(process, database.slot, "raise the backfill counter of all its bindings")
    assert "without a state" not in process.stderr
    one.bindings = [binding("items", backfill=1)]
    process = one.run()
    assert len(process.docs) == 10 and "all are backfilled again" in process.stderr
    assert set(one.state["streams"]) == {"public%2Fitems.v1"}


def test_a_table_that_cannot_continue_concerns_only_its_binding(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    process = one.start().wait_for_quiet(10)
    database.execute("ALTER TABLE items DROP COLUMN id", "INSERT INTO items VALUES (1, 'x')")
    assert_refused(process, "public.items", '"id"', "the collection's key")


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
