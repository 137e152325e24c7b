"""The oracle itself: it must notice what it is there for."""

import pytest

from oracle import Oracle


def record(operation, identifier, loc=None, snapshot=False, **data):
    source = {"loc": loc or [1, 2, 3]}
    if snapshot:
        source["snapshot"] = True
    return {"namespace": "public", "stream": "t",
            "data": {"id": identifier, **data, "_meta": {"op": operation, "source": source}}}


def violations(*records):
    oracle = Oracle("public", "t", ["id"])
    for one in records:
        oracle.apply(one)
    return oracle.violations


@pytest.mark.parametrize("records", [
    [record("c", 1), record("c", 1)],
    [record("u", 1)],
    [record("d", 1)],
    [record("c", 1), record("d", 1), record("u", 1)],
    [record("c", 1, [9, 9, 9]), record("u", 1, [8, 9, 9])],
    [record("c", 1, [-1, 4, 0], True), record("c", 2, [-1, 4, 0], True)],
    [record("x", 1)],
])
def test_it_reports(records):
    assert len(violations(*records)) == 1


def test_it_is_content_with_a_proper_sequence():
    assert violations(record("c", 1, [-1, 1, 0], True), record("u", 1, [5, 6, 7]), record("d", 1, [7, 8, 9]),
                      record("c", 1, [9, 10, 11]), record("c", 2, [-1, 2, 0], True)) == []


def test_an_update_keeps_what_it_does_not_mention():
    oracle = Oracle("public", "t", ["id"])
    oracle.apply(record("c", 1, name="a", big="b"))
    oracle.apply(record("u", 1, name="A"))
    assert list(oracle.rows.values()) == [{"id": 1, "name": "A", "big": "b"}]


def test_it_compares_with_the_table(database):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    oracle = Oracle("public", "t", ["id"])
    oracle.apply(record("c", 1, name="A"))
    oracle.apply(record("c", 3, name="c"))
    assert len(oracle.differences(database)) == 3
