"""Values that are larger than Flow takes."""

import pytest

pytestmark = pytest.mark.every_other

LIMIT = 8 << 20


def table(*rows):
    return ["CREATE TABLE items (id int PRIMARY KEY, t text, b bytea, j jsonb)", *[f"INSERT INTO items VALUES ({row})" for row in rows]]


def check(docs):
    for doc in docs:
        assert len(doc["t"]) <= LIMIT and len(doc["b"]) <= (LIMIT + 2) // 3 * 4
    by_id = {doc["id"]: doc for doc in docs}
    assert by_id[1]["t"] == "é" * (LIMIT // 2) and len(by_id[1]["b"]) == (LIMIT + 2) // 3 * 4
    assert by_id[1]["j"]["flow_truncated"] is True and by_id[1]["j"]["original_size"] > LIMIT
    assert by_id[2]["t"] == "x" * LIMIT and by_id[2]["j"] == {"a": 1}


def test_values_are_cut_by_both_paths_and_it_is_said_once(database, flow):
    row = "repeat('é', 5000000), convert_to(repeat('b', 9000000), 'UTF8'), jsonb_build_object('k', repeat('j', 9000000))"
    database.execute(*table(f"1, {row}", f"2, repeat('x', {LIMIT}), '', '{{\"a\":1}}'"))
    process = flow(["items"]).start().wait_for_quiet(2)
    check([doc["doc"] for doc in process.docs])
    database.execute("UPDATE items SET id = id + 10", "UPDATE items SET id = id - 10, t = t || '', b = b || '', j = j || '{}'")
    process.wait_for_quiet(10)
    check([doc["doc"] for doc in process.docs[-4:] if doc["doc"]["_meta"]["op"] == "c"])
    process.stop()
    said = [line for line in process.stderr.splitlines() if "max_value_bytes" in line]
    assert len(said) == 1 and "public.items" in said[0] and '\\"t\\"' in said[0], said


def test_the_limit_is_an_option(database, flow):
    database.execute(*table("1, repeat('x', 3000), '', '[]'"))
    process = flow(["items"], advanced={"max_value_bytes": 2000}).run()
    assert process.docs[0]["doc"]["t"] == "x" * 2000
    process = flow(["items"], slot_name=f"{database.slot}_2", advanced={"max_value_bytes": 1073741823}).run()
    assert process.docs[0]["doc"]["t"] == "x" * 3000


def test_nothing_is_cut_for_others(database, capture):
    database.execute(*table(f"1, repeat('x', {LIMIT + 1}), '', '[]'"))
    (record,) = capture(["items"]).run().records
    assert len(record["data"]["t"]) == LIMIT + 1
