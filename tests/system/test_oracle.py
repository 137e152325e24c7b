"""The oracle itself: it must notice each kind of error."""

import pytest

from oracle import Oracle, Versions


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


AGAIN = [record("c", 1, [-1, 0, 0], True, name="a"), record("c", 2, [-1, 1, 0], True, name="b"),
         record("c", 1, [-1, 0, 0], True, name="A")]


def oracle_after(*records, **options):
    oracle = Oracle("public", "t", ["id"], **options)
    for one in records:
        oracle.apply(one)
    return oracle


def test_another_life_has_to_be_expected():
    assert len(oracle_after(*AGAIN).violations) == 1
    assert oracle_after(*AGAIN, lives=2).violations == []
    assert len(oracle_after(*AGAIN, AGAIN[0], lives=2).violations) == 1


def test_another_life_forgets_the_rows_of_the_one_before():
    oracle = oracle_after(*AGAIN, lives=2)
    assert oracle.life == 2 and list(oracle.rows.values()) == [{"id": 1, "name": "A"}]
    assert len(oracle_after(*AGAIN, record("u", 2, [9, 9, 9]), lives=2).violations) == 1


def test_an_unreported_change_excuses_later_errors_in_that_life_alone():
    early, late = record("u", 3, [4, 4, 4]), record("u", 4, [6, 6, 6])
    oracle = oracle_after(AGAIN[0], early, late, AGAIN[2], record("d", 5, [8, 8, 8]), lives=2)
    assert len(oracle.violations) == 3
    oracle.unreported.append(5)
    assert [text[:3] for text in oracle.violations] == ["'u'", "'d'"]
    assert '"id": 3' in oracle.violations[0] and '"id": 5' in oracle.violations[1]


def test_a_truncation_takes_the_rows_that_were_written_before_it(database):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    oracle = Oracle("public", "t", ["id"])
    oracle.truncations.append(5)
    for one in (record("c", 1, [-1, 0, 0], True), record("c", 2, [3, 3, 3]), record("c", 1, [6, 6, 6])):
        oracle.apply(one)
    assert oracle.differences(database) == []
    oracle.apply(record("c", 1, [7, 7, 7]))
    oracle.apply(record("c", 3, [7, 7, 7]))
    assert len(oracle.differences(database)) == 2


def version(operation, identifier, number, loc=None):
    return record(operation, identifier, loc, v=number)


def test_versions_may_come_in_any_order_and_once(database):
    database.execute("CREATE TABLE t (id int, v int)", "INSERT INTO t VALUES (1, 3)")
    oracle = Versions("public", "t", lives=1)
    for one in (version("u", 1, 3), version("c", 1, 2, [-1, 0, 0]), version("d", 2, 4), version("c", 2, 4, [-1, 1, 0])):
        oracle.apply(one)
    assert oracle.differences(database) == []
    oracle.apply(version("c", 1, 3, [-1, 2, 0]))
    oracle.apply(version("c", 3, 7, [-1, 3, 0]))
    assert len(oracle.differences(database)) == 2


def test_changes_of_a_life_of_which_no_row_had_come_yet_may_come_again_where_another_life_is_expected():
    records = (version("u", 1, 3), version("c", 1, 3, [-1, 0, 0]))
    for lives, expected in ((1, 1), (None, 0)):
        oracle = Versions("public", "t", lives=lives)
        for one in records:
            oracle.apply(one)
        assert len(oracle.violations) == expected
