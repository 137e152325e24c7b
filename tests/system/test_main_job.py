"""The main job: existing rows, then live changes, until it is stopped or up to a final watermark."""

import json

from capture import stream
from connector import run

ITEMS = "CREATE TABLE items (id int PRIMARY KEY, name text)"


def operations(records):
    return [(record["data"]["_meta"]["op"], record["data"]["id"], record["data"].get("name"))
            for record in records]


def test_existing_rows_come_first_then_live_changes(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a'), (2, 'b')")
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.execute("INSERT INTO items VALUES (3, 'c')", "UPDATE items SET name = 'A' WHERE id = 1",
                     "DELETE FROM items WHERE id = 2")
    process.wait_for_state(after=5).stop()
    live.keep(process)
    assert operations(live.records) == [("c", 1, "a"), ("c", 2, "b"), ("c", 3, "c"), ("u", 1, "A"), ("d", 2, None)]
    live.assert_equal(items=["id"])


def test_without_tail_a_read_ends_by_itself_with_a_state(database, capture):
    database.execute(ITEMS, "INSERT INTO items SELECT n, 'n' || n FROM generate_series(1, 1000) n")
    process = capture(["items"]).run()
    assert len(process.records) == 1000
    assert process.messages[-1]["type"] in ("STATE", "TRACE", "LOG")
    assert process.records_before_last_state() == 1000


def test_changes_committed_before_the_end_are_included(database, capture):
    """A read that starts after a commit must contain it: the final watermark comes later."""
    database.execute(ITEMS)
    once = capture(["items"])
    once.run()
    for number in range(5):
        database.execute(f"INSERT INTO items VALUES ({number}, 'x')")
        once.run()
        assert len(once.records) == number + 1
    once.assert_equal(items=["id"])


def test_several_streams_of_several_schemas(database, capture):
    database.execute("CREATE SCHEMA other", "CREATE TABLE other.items (id text PRIMARY KEY, n int)", ITEMS,
                     "INSERT INTO items SELECT n, 'n' || n FROM generate_series(1, 250) n",
                     "INSERT INTO other.items SELECT 'k' || n, n FROM generate_series(1, 170) n")
    both = capture(["items", stream("items", "other")], advanced={"backfill_chunk_size": 20})
    both.run()
    database.execute("UPDATE other.items SET n = -n", "DELETE FROM items WHERE id % 2 = 0")
    both.run()
    both.materialised({"items": ["id"], ("other", "items"): ["id"]}).assert_equal(database)


def test_a_stream_without_namespace_is_in_public(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    configured = stream("items")
    del configured["stream"]["namespace"]
    process = capture([configured]).run()
    assert [(record["namespace"], record["stream"]) for record in process.records] == [("public", "items")]


def test_an_empty_table_gives_a_state_and_no_record(database, capture):
    database.execute(ITEMS)
    empty = capture(["items"])
    process = empty.run()
    assert process.records == [] and process.states
    database.execute("INSERT INTO items VALUES (1, 'a')")
    assert operations(empty.run().records) == [("c", 1, "a")]


def test_rolled_back_work_never_shows(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.transaction("INSERT INTO items VALUES (2, 'no')", "DELETE FROM items WHERE id = 1", commit=False)
    database.transaction("INSERT INTO items VALUES (3, 'yes')", "SAVEPOINT one",
                         "INSERT INTO items VALUES (4, 'no')", "ROLLBACK TO one",
                         "INSERT INTO items VALUES (5, 'yes')")
    process.wait_for_state(after=3).stop()
    live.keep(process)
    assert operations(live.records)[1:] == [("c", 3, "yes"), ("c", 5, "yes")]
    live.assert_equal(items=["id"])


def test_tables_that_are_not_captured_stay_out(database, capture):
    database.execute(ITEMS, "CREATE TABLE others (id int PRIMARY KEY)", "INSERT INTO others VALUES (1)")
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.transaction("INSERT INTO others VALUES (2)", "INSERT INTO items VALUES (1, 'a')",
                         "INSERT INTO others VALUES (3)")
    process.wait_for_records(1).stop()
    assert {record["stream"] for record in process.records} == {"items"}


def test_copy_and_large_transactions_arrive_whole(database, capture):
    database.execute(ITEMS)
    bulk = capture(["items"])
    bulk.run()
    database.execute("INSERT INTO items SELECT n, repeat('x', 100) FROM generate_series(1, 30000) n")
    database.execute("COPY items (id, name) FROM PROGRAM 'seq 30001 31000 | sed s/$/,y/' WITH (FORMAT csv)")
    database.execute("UPDATE items SET name = 'z' WHERE id <= 20000", "DELETE FROM items WHERE id % 10 = 0")
    bulk.run()
    bulk.assert_equal(items=["id"])


def test_a_prepared_transaction_shows_after_its_commit(database, capture):
    database.execute(ITEMS)
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.execute("BEGIN", "INSERT INTO items VALUES (1, 'two-phase')", "PREPARE TRANSACTION 'p1'")
    database.execute("INSERT INTO items VALUES (2, 'plain')")
    process.wait_for_records(1)
    assert operations(process.records) == [("c", 2, "plain")]
    database.execute("COMMIT PREPARED 'p1'")
    process.wait_for_records(2).stop()
    assert operations(process.records)[1:] == [("c", 1, "two-phase")]


def test_truncate_is_logged_and_gives_no_record(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.execute("TRUNCATE items", "INSERT INTO items VALUES (2, 'b')")
    process.wait_for_records(2).stop()
    assert operations(process.records) == [("c", 1, "a"), ("c", 2, "b")]
    assert "truncate" in process.stderr.lower()


def test_a_table_without_key_is_captured(database, capture):
    database.execute("CREATE TABLE log (line text)", "ALTER TABLE log REPLICA IDENTITY FULL",
                     "INSERT INTO log SELECT 'line ' || n % 10 FROM generate_series(1, 500) n")
    live = capture(["log"])
    live.run()
    database.execute("INSERT INTO log VALUES ('one more')")
    live.run()
    lines = sorted(record["data"]["line"] for record in live.records)
    assert lines == sorted([f"line {n % 10}" for n in range(1, 501)] + ["one more"])


def test_the_server_may_be_reached_through_its_socket(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    process = capture(["items"], host=database.server.directory, password=None).run()
    assert operations(process.records) == [("c", 1, "a")]


def test_options_may_be_joined_to_their_values(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    config, catalog = capture(["items"]).arguments()[1::2]
    joined = run("read", f"--config={config}", f"--catalog={catalog}").succeed()
    assert operations(joined.records) == [("c", 1, "a")]


def test_the_vendor_spelling_of_tail_is_understood(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    live = capture(["items"])
    arguments = live.arguments()
    with open(arguments[3], "w", encoding="utf-8") as file:
        json.dump({"streams": live.streams, "estuary.dev/tail": True}, file)
    live.arguments = lambda: arguments
    process = live.start().wait_for_active()
    database.execute("INSERT INTO items VALUES (2, 'b')")
    process.wait_for_records(2).stop()


def test_columns_may_change_while_running(database, capture):
    database.execute(ITEMS, "INSERT INTO items VALUES (1, 'a')")
    live = capture(["items"], tail=True)
    process = live.start().wait_for_active()
    database.execute("ALTER TABLE items ADD COLUMN n int DEFAULT 7", "INSERT INTO items VALUES (2, 'b', 8)",
                     "ALTER TABLE items RENAME COLUMN n TO m", "ALTER TABLE items DROP COLUMN name",
                     "INSERT INTO items VALUES (3, 9)")
    process.wait_for_records(3).stop()
    bodies = [{name: value for name, value in record["data"].items() if name != "_meta"}
              for record in process.records]
    assert bodies == [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "n": 8}, {"id": 3, "m": 9}]


def test_generated_columns_are_captured_by_neither_path(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, n int)",
                     "INSERT INTO items (id, n) VALUES (1, 10)")
    both = capture(["items"])
    both.run()
    database.execute("INSERT INTO items (id, n) VALUES (2, 20)")
    both.run()
    assert [sorted(record["data"]) for record in both.records] == [["_meta", "id", "n"]] * 2
