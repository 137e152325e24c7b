"""Setting up: the objects that the connector creates by itself, and the restricted set-up in which it creates
nothing."""

import os
import re

import pytest

from connector import run
from refusal import assert_refused

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "prepare.md")
READ_ALL = "GRANT pg_read_all_data TO flow_capture;"


def documented_setup(major):
    """The statements of the restricted set-up, as in the documentation; before 14 with the grant that is named there
    instead of pg_read_all_data."""
    with open(PAGE, encoding="utf-8") as file:
        block, = [sql for sql in re.findall(r"```sql\n(.*?)```", file.read(), re.S) if READ_ALL in sql]
    instead, = re.findall(r"^-- +(GRANT SELECT .*;)$", block, re.M)
    statements = block if major >= 14 else block.replace(READ_ALL, instead)
    return [line for line in re.sub(r"^--.*$", "", statements, flags=re.M).split(";") if line.strip()]


@pytest.fixture(name="restricted")
def restricted_setup(database):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE unkeyed (n int)",
                     *documented_setup(database.connection.server_version // 10000))
    yield {"user": "flow_capture", "password": "secret", "slot_name": None, "publication_name": None,
           "watermarks_table": None}
    database.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                     " WHERE database = current_database() AND NOT active",
                     "DROP OWNED BY flow_capture", "DROP ROLE flow_capture", "ALTER SYSTEM RESET wal_level")


def test_the_restricted_setup_is_enough(restricted, database, capture):
    database.execute("INSERT INTO items SELECT generate_series(1, 500)")
    one = capture(["items"], **restricted)
    answer = run("check", "--config", one.path("config.json", one.config)).succeed()
    assert answer.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"] == "SUCCEEDED", answer.messages
    found = run("discover", "--config", one.path("config.json", one.config)).succeed()
    assert "items" in [stream["name"] for stream in found.of_type("CATALOG")[0]["catalog"]["streams"]]
    one.run()
    database.execute("DELETE FROM items WHERE id <= 100", "INSERT INTO items VALUES (1000)")
    one.run()
    one.assert_equal(items=["id"])
    assert database.value("SELECT count(*) FROM public.flow_watermarks WHERE slot = 'flow_slot'") == 1


@pytest.mark.since(14)  # pg_read_all_data
def test_a_grant_on_the_table_alone_is_enough_to_read_it(restricted, database, capture):
    database.execute("REVOKE pg_read_all_data FROM flow_capture", "INSERT INTO items VALUES (1)",
                     "GRANT SELECT ON items TO flow_capture")
    one = capture(["items"], **restricted)
    one.run()
    one.assert_equal(items=["id"])


def test_a_superuser_needs_nothing_prepared(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    capture(["items"]).run()
    assert database.query("SELECT plugin, slot_type, temporary FROM pg_replication_slots WHERE slot_name = %s",
                          (database.slot,)) == [("pgoutput", "logical", False)]
    assert database.value("SELECT count(*) FROM pg_publication WHERE pubname = %s", (database.publication,)) == 1
    assert database.value("SELECT count(*) FROM public.watermarks_of_the_test") == 1


def published(database):
    return database.query("SELECT tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1", (database.publication,))


def test_a_publication_that_is_made_names_what_is_captured(database, capture):
    """A table without replica identity in a publication refuses UPDATE and DELETE, also one that is made later."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE others (id int PRIMARY KEY)")
    capture(["items"]).run()
    assert published(database) == [("items",), ("watermarks_of_the_test",)]
    database.execute("CREATE TABLE unkeyed (n int)", "INSERT INTO unkeyed VALUES (1)", "UPDATE unkeyed SET n = 2")


def test_a_publication_for_all_tables_is_made_when_asked_for(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE unkeyed (n int)",
                     "INSERT INTO unkeyed VALUES (1)")
    one = capture(["items"], advanced={"publish_all_tables": True})
    assert_refused(one.start().finish(), "config_error", "refuse UPDATE and DELETE on public.unkeyed", "publish_all_tables")
    database.execute("ALTER TABLE unkeyed REPLICA IDENTITY FULL")
    one.run()
    assert database.value("SELECT puballtables FROM pg_publication WHERE pubname = %s", (database.publication,))


@pytest.mark.parametrize("made", [False, True])
def test_a_table_without_replica_identity_is_not_published_by_us(database, capture, made):
    """The application continues; once the message's advice is followed, so does the capture."""
    database.execute("CREATE TABLE items (n int)", "INSERT INTO items VALUES (1)", "CREATE TABLE keyed (id int PRIMARY KEY)",
                     "CREATE TABLE parts (n int) PARTITION BY LIST (n)", "CREATE TABLE part PARTITION OF parts DEFAULT")
    if made:
        capture(["keyed"]).run()
    one = capture(["items", "parts"])
    process = one.start().finish()
    database.execute("UPDATE items SET n = 2", "UPDATE parts SET n = 2")
    assert published(database) == ([("keyed",), ("watermarks_of_the_test",)] if made else [])
    lines = [error["message"] for error in process.errors]
    assert "public\".\"parts\", or a partition of it," in lines[-1], process.story()
    for line in lines[-1].splitlines():
        database.execute("ALTER TABLE" + line.split("run ALTER TABLE", 1)[1].split(", ")[0])
    database.execute("ALTER TABLE part REPLICA IDENTITY FULL")
    one.run()
    database.execute("UPDATE items SET n = 3")
    one.run()
    assert [record["data"]["n"] for record in one.records] == [2, 3]


def test_that_the_server_refuses_updates_is_a_warning(database, capture):
    """Others have published the table."""
    database.execute("CREATE TABLE items (n int)", "INSERT INTO items VALUES (1)", database.publish_all)
    process = capture(["items"]).run()
    assert any(line.startswith("WARN: ") and "REPLICA IDENTITY FULL" in line for line in process.stderr.splitlines())
    assert "1 stream from" in process.stderr and "1 key range to" in process.stderr


@pytest.mark.since(13)
def test_partitions_are_captured_instead_of_their_root_when_asked_for(database, capture):
    database.execute("CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY RANGE (id)",
                     "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (100)", "INSERT INTO parts VALUES (1, 1)")
    one = capture(["low"], advanced={"capture_as_partitions": True})
    answer = run("discover", "--config", one.path("config.json", one.config)).succeed()
    streams = answer.of_type("CATALOG")[0]["catalog"]["streams"]
    assert [stream["name"] for stream in streams] == ["low"]
    assert "not acted on" not in answer.stderr
    one.run()
    database.execute("UPDATE parts SET n = 2")
    one.run()
    one.assert_equal(low=["id"])


def test_a_table_is_added_to_a_publication_of_ours(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE more (id int PRIMARY KEY)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE items", "INSERT INTO more VALUES (1)")
    one = capture(["items", "more"])
    one.run()
    database.execute("INSERT INTO more VALUES (2)", "INSERT INTO items VALUES (1)")
    one.run()
    one.assert_equal(items=["id"], more=["id"])


@pytest.mark.since(15)
def test_column_lists_and_row_filters_bind_both_paths(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, open text, hidden text)",
                     "INSERT INTO items SELECT n, 'o', 'h' FROM generate_series(1, 10) n",
                     "CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE items (id, open) WHERE (id > 5),"
                     " TABLE public.watermarks_of_the_test")
    one = capture(["items"])
    one.run()
    database.execute("INSERT INTO items VALUES (1000, 'o', 'h'), (-1, 'o', 'h')")
    one.run()
    assert [record["data"]["id"] for record in one.records] == [6, 7, 8, 9, 10, 1000]
    assert all("hidden" not in record["data"] for record in one.records)


def test_partitions_are_captured_through_their_root_when_published_so(database, capture):
    database.execute("CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY RANGE (id)",
                     "CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100)",
                     "CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200)",
                     "INSERT INTO parts SELECT n, n FROM generate_series(1, 150) n",
                     "CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE parts, public.watermarks_of_the_test"
                     " WITH (publish_via_partition_root = true)")
    one = capture(["parts"], advanced={"backfill_chunk_size": 20})
    one.run()
    database.execute("UPDATE parts SET id = 199 WHERE id = 1", "DELETE FROM parts WHERE id = 150")
    one.run()
    one.assert_equal(parts=["id"])


@pytest.mark.since(15)
def test_a_row_filter_that_changes_during_the_backfill_has_the_table_read_again(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, a int)",
                     "INSERT INTO items SELECT n, n % 2 FROM generate_series(1, 20000) n",
                     "CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE items WHERE (a = 0),"
                     " TABLE public.watermarks_of_the_test")
    one = capture(["items"], advanced={"backfill_chunk_size": 50})
    process = one.start().wait_for_records(300)
    database.execute(f"ALTER PUBLICATION {database.publication} SET TABLE items WHERE (a = 1),"
                     " TABLE public.watermarks_of_the_test")
    process.succeed()
    ids = [record["data"]["id"] for record in process.records]
    even = [number for number in ids if number % 2 == 0]
    assert ids == [*range(2, even[-1] + 1, 2), *range(1, 20000, 2)]
    assert even[-1] < 20000 and "public.items" in process.stderr and "backfilled again" in process.stderr
