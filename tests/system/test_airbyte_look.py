"""The Airbyte look: what a destination by Airbyte's rules makes of the records is the table, whatever happened between."""

import random
import time

import pytest

from airbyte_destination import (CURSOR, DELETED, UPDATED, Destination, assert_grow, discovered, expected_airbyte, moment)
from capture import stream
from connector import PATIENCE
from database import table_rows
from kinds import TYPES, changes, create
from writer import Writer

ITEMS = "CREATE TABLE items (id int PRIMARY KEY, n int, name text)"
MANY = 400_000  # changes of one transaction

# A column of each type whose look differs from the plain one, a value of it, and one that cannot be held.
LOSSY = {
    "a": ("float4", "1.5", "NaN"), "b": ("float8", "-1e300", "Infinity"), "c": ("numeric", "123.4560", "NaN"),
    "d": ("date", "2024-02-29", "infinity"), "e": ("timestamp", "2024-02-29 12:00:00.5", "0044-03-15 00:00:00 BC"),
    "f": ("timestamptz", "2024-02-29 12:00:00.123456+02", "-infinity"), "g": ("time", "01:02:03.5", "24:00:00"),
    "h": ("timetz", "01:02:03+05:30", "24:00:00+00"), "i": ("timetz", "01:02:03-08", "01:02:03+05:30:01"),
}
OTHERS = {
    "j": ("bool", "true"), "k": ("int2", "-1"), "l": ("int8", "9223372036854775807"), "m": ("json", '{"a" : [1, null]}'),
    "n": ("jsonb", '"text"'), "o": ("bytea", "\\x00ff"), "p": ("uuid", "00000000-0000-0000-0000-00000000000a"),
    "q": ("char(4)", "x"), "r": ("interval", "1 day"), "s": ("inet", "1.2.3.4/32"),
}


def configure(capture, *tables, columns=None, more=None, **options):
    one = capture([], **options)
    one.streams = discovered(one, *tables, columns=columns, **(more or {}))
    return one


def rows_of_every_type():
    good = {**{name: of[1] for name, of in LOSSY.items()}, **{name: of[1] for name, of in OTHERS.items()}}
    lost = {name: of[2] for name, of in LOSSY.items()}
    return [good, lost]


def insert(first_id):
    return [f"INSERT INTO items (id, {', '.join(row)}) VALUES ({first_id + index}, "
            + ", ".join(f"'{value}'" for value in row.values()) + ")" for index, row in enumerate(rows_of_every_type())]


def test_values_are_the_same_by_both_paths(database, capture):
    columns = {name: of[0] for name, of in {**LOSSY, **OTHERS}.items()}
    database.execute("CREATE TABLE items (id int PRIMARY KEY, " + ", ".join(f"{n} {t}" for n, t in columns.items()) + ")",
                     *insert(0))
    one = configure(capture, "items")
    one.run()
    database.execute(*insert(2))
    one.run()
    types, rows = table_rows(database, "public", "items")
    expected = [{name: expected_airbyte(kind, text) for (name, kind), text in zip(types, row)} for row in sorted(rows)]
    assert [{name: value for name, value in record["data"].items() if not name.startswith("_")}
            for record in one.records] == expected
    nulled = [{"field": name, "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"} for name in LOSSY]
    assert [record.get("meta") for record in one.records] == [None, {"changes": nulled}] * 2


def test_elements_of_an_array_that_cannot_be_held_are_reported(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, a float8[], b text[])",
                     "INSERT INTO items VALUES (1, '{1,NaN}', '{\"x \"}')")
    one = configure(capture, "items")
    one.run()
    record = one.records[0]
    assert (record["data"]["a"], record["data"]["b"]) == ([1, None], ["x "])
    assert [change["field"] for change in record["meta"]["changes"]] == ["a"]


def test_a_record_says_when_it_is_from_and_a_delete_when_it_was(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 1, 'one')")
    one = configure(capture, "items")
    one.run()
    database.execute("UPDATE items SET n = 2", "UPDATE items SET id = 2", "DELETE FROM items")
    one.run()
    ids_and_deletes = [(record["data"]["id"], record["data"][DELETED] is not None) for record in one.records]
    assert ids_and_deletes == [(1, False), (1, False), (1, True), (2, False), (2, True)]
    for record in one.records:
        data = record["data"]
        assert data[DELETED] in (None, data[UPDATED]) and abs(moment(data[UPDATED]).timestamp() - time.time()) < 600
    assert one.records[1]["data"]["_meta"]["op"] == "u"


def test_only_chosen_columns_are_written_and_the_key(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text, _ab_cdc_lsn text)",
                     "INSERT INTO items VALUES (1, 1, 'one', 'mine')")
    one = configure(capture, "items", columns=["name"])
    one.run()
    database.execute("UPDATE items SET n = 2, name = 'two'", "DELETE FROM items")
    one.run()
    assert [set(record["data"]) for record in one.records] == [{"id", "name", CURSOR, UPDATED, DELETED}] * 2 + [
        {"id", CURSOR, UPDATED, DELETED}]


def test_only_chosen_columns_are_read(database, capture):
    """The server does not fetch large values that are not wanted; the key is read although it was not chosen."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, large text, name text)", "ALTER TABLE items ALTER large SET STORAGE EXTERNAL",
                     "INSERT INTO items SELECT n, repeat('x', 10000), 'n' || n FROM generate_series(1, 50) n")
    fetched = ("SELECT pg_stat_get_blocks_fetched(reltoastrelid) FROM pg_class WHERE oid = 'items'::regclass")
    one = configure(capture, "items", columns=["name"], advanced={"backfill_chunk_size": 10})
    before = database.value(fetched)
    assert len(one.run().records) == 50
    assert {record["data"]["name"] for record in one.records} == {f"n{n}" for n in range(1, 51)}
    assert database.value(fetched) == before
    one.streams = discovered(one, "items")
    one.state = None
    one.run()
    database.wait_for(f"SELECT ({fetched}) > {before}")


def test_another_schema_gives_the_plain_look(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n numeric)", "INSERT INTO items VALUES (1, 1.50)")
    one = capture([stream("items")])
    one.streams[0]["stream"]["json_schema"] = {"type": "object", "properties": {"id": {"type": "integer"}}}
    one.run()
    assert one.records[0]["data"].pop("_meta")["op"] == "c" and one.records[0]["data"] == {"id": 1, "n": "1.50"}


def test_cursors_grow_past_a_transaction_with_more_changes_than_its_commit_is_long(database, capture):
    """Some ten thousand changes fit between two commits; the state carries the rest to the next run."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int)")
    one = configure(capture, "items", columns=["n"])
    one.run()
    database.execute(f"INSERT INTO items SELECT generate_series(1, {MANY}), 0", f"UPDATE items SET n = 1 WHERE id = {MANY}")
    one.run()
    assert "carry" in one.state[0]["global"]["shared_state"]
    database.execute(f"UPDATE items SET n = 2 WHERE id = {MANY}", f"DELETE FROM items WHERE id = {MANY}")
    one.run()
    assert len(one.records) == MANY + 3
    assert_grow(one.records, ["id"])


def test_a_transaction_that_is_sent_again_has_the_same_cursors_whatever_else_is_captured(database, capture):
    database.execute(ITEMS, "CREATE TABLE others (id int PRIMARY KEY)")
    both = configure(capture, "items", "others")
    both.run()
    database.transaction("INSERT INTO others SELECT generate_series(1, 1000)", "INSERT INTO items VALUES (1, 1, '')",
                         "UPDATE items SET n = 2")
    state = both.state
    first = [record["data"][CURSOR] for record in both.run().records_of("items")]
    both.state, both.streams = state, both.streams[:1]
    assert [record["data"][CURSOR] for record in both.run().records] == first


def test_rows_that_are_backfilled_again_are_newer_than_all_before(database, capture):
    database.execute(ITEMS, "INSERT INTO items SELECT n, n, '' FROM generate_series(1, 100) n")
    one = configure(capture, "items")
    one.run()
    database.execute("UPDATE items SET n = n + 1", "DELETE FROM items WHERE id > 90")
    one.run()
    before = max(record["data"][CURSOR] for record in one.records)
    one.state = None
    again = [record["data"] for record in one.run().records]
    rows = [data for data in again if data[DELETED] is None]
    assert len(rows) == 90 and min(data[CURSOR] for data in rows) > before
    assert len(again) == 90 + 10, "the slot has told of ten deletes before, and tells of them again"


@pytest.mark.limit(240)
@pytest.mark.parametrize("kind", ["int", "text_icu", "numeric"])
def test_a_destination_is_in_step_across_kills(database, capture, kind):
    """Also within the backfill, and for a destination that keeps records that no state covers."""
    chance = random.Random(kind)
    database.execute(*TYPES)
    key = create(database, kind, "t", 3000)
    database.execute("ALTER TABLE t REPLICA IDENTITY FULL")
    one = configure(capture, "t", tail=True, advanced={"backfill_chunk_size": 100})
    one.sent = []
    with Writer(database, changes(kind, "t", 3000)):
        for _ in range(6):
            process = one.start()
            time.sleep(chance.random() * 1.5 * PATIENCE)
            one.keep(process.kill())
    one.tail = False
    one.run()
    assert_grow(one.records, key)
    assert_kept(database, "t", key, one.records)
    assert_kept(database, "t", key, one.sent)


def assert_kept(database, table, key, records):
    destination = Destination(table, key)
    for record in records:
        destination.apply(record)
    destination.assert_equal(database)


# Columns, and what else the stream has.
ORDERS = {"by key": ("id int PRIMARY KEY, n int", {}),
          "by a key that the server orders": ("id numeric PRIMARY KEY, n int", {}),
          "by a key without index": ("id int, n int", {"primary_key": [["id"]]})}


@pytest.mark.parametrize("order", ORDERS)
def test_rows_deleted_while_their_table_is_backfilled_again_are_gone(database, capture, order):
    """The destination has the rows from an earlier life; half of the deletes come before the rows are read, half
    meanwhile."""
    columns, more = ORDERS[order]
    database.execute(f"CREATE TABLE t ({columns})", "ALTER TABLE t REPLICA IDENTITY FULL",
                     "INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n")
    one = configure(capture, "t", more=more, advanced={"backfill_chunk_size": 10})
    one.sent = []
    one.run()
    database.execute("DELETE FROM t WHERE id % 5 = 0", "UPDATE t SET id = id + 10000 WHERE id % 5 = 1")
    one.streams[0]["generation_id"] = 2
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute("DELETE FROM t WHERE id % 5 = 2", "UPDATE t SET id = id + 10000 WHERE id % 5 = 3",
                     "INSERT INTO t SELECT n * 5, -n FROM generate_series(1, 10) n")
    one.keep(process.go_on().succeed())
    one.run()  # if the read had reached its end before it was paused
    assert_kept(database, "t", ["id"], one.sent)


@pytest.mark.parametrize("order", ["by key", "by a key that the server orders"])
def test_a_row_that_was_sent_and_deleted_before_a_state_came_is_gone(database, capture, order):
    """The destination kept the row, and the next run reads the table before the row was deleted, or after."""
    columns, more = ORDERS[order]
    database.execute(f"CREATE TABLE t ({columns})", "INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n")
    one = configure(capture, "t", more=more, advanced={"backfill_chunk_size": 10})
    one.sent = []
    process = one.start()
    process.wait_for_state()
    one.keep(process.wait_for_records(300).kill())
    assert 300 <= len(one.sent)
    one.state = [process.states[0]]
    database.execute("DELETE FROM t WHERE id % 2 = 0", "UPDATE t SET id = -id WHERE id % 3 = 0")
    one.run()
    assert_kept(database, "t", ["id"], one.sent)


def test_a_key_that_is_written_differently_is_the_same_row(database, capture):
    """To the destination 1.0 and 1.00 are one number: the delete of 1.0 must be older than the create of 1.00."""
    database.execute("CREATE TABLE t (k numeric PRIMARY KEY, n int)", "INSERT INTO t VALUES (1.0, 1), (2.0, 2)")
    one = configure(capture, "t")
    one.run()
    database.execute("UPDATE t SET k = 1.00 WHERE k = 1", "UPDATE t SET k = 3 WHERE k = 2")
    one.run()
    assert len(one.records) == 2 + 4
    assert_grow(one.records, ["k"])
    destination = Destination("t", ["k"])
    for record in one.records:
        destination.apply(record)
    destination.assert_equal(database)
