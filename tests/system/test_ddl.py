"""Tables that change their shape, name or identity while they are captured."""

import pytest

from again import SOON
from capture import stream
from connector import PATIENCE
from oracle import Oracle
from writer import Writer

ROWS = 40


@pytest.fixture(name="live")
def live_capture(database, capture):
    """A captured table t (id, a, b) with ROWS rows, all of them out; live.process is running."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int, b text)",
                     f"INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, {ROWS}) n", database.publish_all)
    one = capture(["t"], tail=True, advanced=SOON)
    one.process = one.start().wait_for_active()
    return one


def body(record):
    return {name: value for name, value in record["data"].items() if name != "_meta"}


def operations(records):
    return [record["data"]["_meta"]["op"] for record in records]


def after(live, database, *statements, count):
    """Run statements, each a transaction, and stop when `count` records have come."""
    database.execute(*statements)
    process = live.process
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + count).stop()
    assert len(process.records) == ROWS + count
    return process.records[ROWS:]


CHANGES = {
    "add": ["ALTER TABLE t ADD c timestamptz DEFAULT '2024-01-15 10:00+00'"],
    "add_with_volatile_default": ["ALTER TABLE t ADD c float8 DEFAULT random()"],
    "drop": ["ALTER TABLE t DROP a"],
    "drop_and_add_of_another_type": ["ALTER TABLE t DROP a", "ALTER TABLE t ADD a text DEFAULT 'new'"],
    "rename_column": ["ALTER TABLE t RENAME a TO \"A \"\"new\"\" name\""],
    "swap_names": ["ALTER TABLE t RENAME a TO x", "ALTER TABLE t RENAME b TO a", "ALTER TABLE t RENAME x TO b"],
    "widen": ["ALTER TABLE t ALTER a TYPE bigint USING a * 10000000000"],
    "int_to_text": ["ALTER TABLE t ALTER a TYPE text USING 'n' || a"],
    "text_to_json": ["ALTER TABLE t ALTER b TYPE jsonb USING to_jsonb(b)"],
    "text_to_new_enum": ["CREATE TYPE letter AS ENUM ('x', 'y')", "ALTER TABLE t ALTER b TYPE letter USING 'y'"],
    "text_to_new_domain": ["CREATE DOMAIN day AS date", "ALTER TABLE t ALTER b TYPE day USING '2024-01-15'"],
    "key_widened": ["ALTER TABLE t ALTER id TYPE bigint"],
    "full_identity": ["ALTER TABLE t REPLICA IDENTITY FULL"],
    "add_generated": ["ALTER TABLE t ADD c int GENERATED ALWAYS AS (id * 2) STORED"],
    "add_identity": ["ALTER TABLE t ADD c int GENERATED ALWAYS AS IDENTITY"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_columns_change_between_transactions(live, database, change):
    records = after(live, database, *CHANGES[change], "UPDATE t SET id = id", count=ROWS)
    assert operations(records) == ["u"] * ROWS
    expected = Oracle("public", "t", ["id"]).expected(database)
    assert sorted(map(str, map(body, records))) == sorted(map(str, expected.values()))


# Those that give each row values that are not sent: the table is backfilled again. Integers of another size are the same.
REWRITTEN = ["add_with_volatile_default", "int_to_text", "text_to_json", "text_to_new_enum", "text_to_new_domain", "add_identity"]


@pytest.mark.parametrize("change", REWRITTEN)
def test_rows_are_rewritten_before_a_restart(live, database, change):
    """The rows come again as they are now; changes in the old shape are not read."""
    live.keep(live.process.stop())
    database.execute("UPDATE t SET b = 'before' WHERE id = 1", *CHANGES[change], "UPDATE t SET id = id WHERE id = 2")
    live.tail = False
    process = live.run()
    assert "public.t was emptied or rewritten" in process.stderr and "backfilled again" in process.stderr
    assert operations(process.records) == ["c"] * ROWS
    expected = Oracle("public", "t", ["id"]).expected(database)
    assert sorted(map(str, map(body, process.records))) == sorted(map(str, expected.values()))


@pytest.mark.parametrize("change", [change for change in CHANGES if change not in REWRITTEN])
def test_columns_change_before_a_restart(live, database, change):
    """A process that starts after the change reads changes in the old shape."""
    live.keep(live.process.stop())
    database.execute("UPDATE t SET b = 'before' WHERE id = 1", *CHANGES[change], "UPDATE t SET id = id")
    live.tail = False
    records = live.run().records
    assert operations(records) == ["u"] * (ROWS + 1)
    assert body(records[0]) == {"id": 1, "a": 1, "b": "before"}
    expected = Oracle("public", "t", ["id"]).expected(database)
    assert sorted(map(str, map(body, records[1:]))) == sorted(map(str, expected.values()))


def test_columns_change_inside_a_transaction(live, database):
    database.transaction("INSERT INTO t VALUES (100, 1, 'one')", "ALTER TABLE t ADD c int", "INSERT INTO t VALUES (101, 2, 'two', 3)",
                         "ALTER TABLE t DROP a", "INSERT INTO t VALUES (102, 'three', 4)", "ALTER TABLE t RENAME c TO d",
                         "INSERT INTO t VALUES (103, 'four', 5)", "ALTER TABLE t ALTER d TYPE text USING 'd' || d",
                         "INSERT INTO t VALUES (104, 'five', 'six')")
    records = after(live, database, count=5)
    assert [body(record) for record in records] == [
        {"id": 100, "a": 1, "b": "one"}, {"id": 101, "a": 2, "b": "two", "c": 3}, {"id": 102, "b": "three", "c": 4},
        {"id": 103, "b": "four", "d": 5}, {"id": 104, "b": "five", "d": "six"}]


def test_columns_change_inside_a_transaction_that_is_rolled_back(live, database):
    database.transaction("ALTER TABLE t ADD c int", "INSERT INTO t VALUES (101, 2, 'two', 3)", commit=False)
    records = after(live, database, "INSERT INTO t VALUES (100, 1, 'one')", count=1)
    assert body(records[0]) == {"id": 100, "a": 1, "b": "one"}


def test_a_savepoint_takes_a_change_of_columns_back(live, database):
    database.transaction("INSERT INTO t VALUES (100, 1, 'one')", "SAVEPOINT s", "ALTER TABLE t DROP a",
                         "INSERT INTO t VALUES (101, 'two')", "ROLLBACK TO s", "INSERT INTO t VALUES (102, 3, 'three')")
    records = after(live, database, count=2)
    assert [body(record) for record in records] == [{"id": 100, "a": 1, "b": "one"}, {"id": 102, "a": 3, "b": "three"}]


def test_a_label_added_to_an_enum(live, database):
    records = after(live, database, "CREATE TYPE mood AS ENUM ('sad')", "ALTER TABLE t ADD c mood DEFAULT 'sad'",
                    "INSERT INTO t VALUES (100, 1, 'b')", "ALTER TYPE mood ADD VALUE 'happy' BEFORE 'sad'",
                    "INSERT INTO t VALUES (101, 1, 'b', 'happy')", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
                    "UPDATE t SET id = id WHERE id = 100", count=3)
    assert [record["data"]["c"] for record in records] == ["sad", "happy", "blue"]


def test_the_replica_identity_changes_to_and_fro(live, database):
    records = after(live, database, "UPDATE t SET a = 0 WHERE id = 1", "ALTER TABLE t REPLICA IDENTITY FULL",
                    "UPDATE t SET a = 0 WHERE id = 2", "DELETE FROM t WHERE id = 3", "ALTER TABLE t REPLICA IDENTITY DEFAULT",
                    "UPDATE t SET a = 0 WHERE id = 4", "DELETE FROM t WHERE id = 5", count=5)
    assert ["before" in record["data"]["_meta"] for record in records] == [False, True, False, False, False]
    assert [body(record) for record in records[2::2]] == [{"id": 3, "a": 3, "b": "b3"}, {"id": 5}]


def test_a_table_that_is_dropped_and_recreated(live, database):
    """Its first change makes it noticed, and it is backfilled again."""
    records = after(live, database, "DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, other jsonb)",
                    "INSERT INTO t VALUES (1, '[]')", count=1)
    assert operations(records) == ["c"] and body(records[0]) == {"id": 1, "other": []}
    assert records[0]["data"]["_meta"]["source"]["snapshot"]


def test_a_table_renamed_away_and_back(live, database):
    """Its changes belong to the stream by the name that it has when they are made."""
    records = after(live, database, "ALTER TABLE t RENAME TO away", "ALTER TABLE away RENAME TO t",
                    "UPDATE t SET a = 0 WHERE id = 1", count=1)
    assert operations(records) == ["u"]


def test_changes_of_a_table_that_was_renamed_are_missed_aloud(live, database):
    """Logged once, however many changes there are; and when the table has its name again, it is backfilled again."""
    database.execute("ALTER TABLE t RENAME TO away", "UPDATE away SET a = 0", "ALTER TABLE away ADD c int",
                     "UPDATE away SET a = 1")
    live.process.wait_for(lambda run: "public.t is gone, dropped or renamed" in run.stderr)
    database.execute("ALTER TABLE away RENAME TO t")
    live.process.wait_for(lambda run: run.records_before_last_state() >= 2 * ROWS, 20 * PATIENCE)
    records = after(live, database, "UPDATE t SET a = 2 WHERE id = 1", count=ROWS + 1)
    assert operations(records) == ["c"] * ROWS + ["u"]
    assert live.process.stderr.count("public.t is gone") == 1


def test_tables_that_swap_names(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int)", "CREATE TABLE u (id int PRIMARY KEY, b text)")
    one = capture(["t", "u"], tail=True)
    process = one.start().wait_for_active()
    database.execute("INSERT INTO t VALUES (1, 1)", "INSERT INTO u VALUES (1, 'x')")
    database.transaction("ALTER TABLE t RENAME TO x", "ALTER TABLE u RENAME TO t", "ALTER TABLE x RENAME TO u")
    database.execute("INSERT INTO t VALUES (2, 'y')", "INSERT INTO u VALUES (2, 2)")
    process.wait_for(lambda run: run.records_before_last_state() >= 6).stop()
    assert [body(record) for record in process.records_of("t")] == [{"id": 1, "a": 1}, {"id": 1, "b": "x"}, {"id": 2, "b": "y"}]
    assert [body(record) for record in process.records_of("u")] == [{"id": 1, "b": "x"}, {"id": 1, "a": 1}, {"id": 2, "a": 2}]
    assert process.stderr.count("backfilled again") == 2


def test_a_table_moved_to_another_schema_and_back(live, database):
    records = after(live, database, "CREATE SCHEMA s", "ALTER TABLE t SET SCHEMA s", "ALTER TABLE s.t SET SCHEMA public",
                    "UPDATE t SET a = 0 WHERE id = 1", count=1)
    assert operations(records) == ["u"]


DURING = {
    "add": ["ALTER TABLE t ADD c{n} int DEFAULT 7"],
    "drop_and_add": ["ALTER TABLE t DROP b", "ALTER TABLE t ADD b text"],
    "alter_type": ["ALTER TABLE t ALTER a TYPE text USING a::text", "ALTER TABLE t ALTER a TYPE int USING a::int"],
    "rename_column": ["ALTER TABLE t RENAME b TO bb", "ALTER TABLE t RENAME bb TO b"],
    "rename_table": ["BEGIN; ALTER TABLE t RENAME TO away; ALTER TABLE away RENAME TO t; COMMIT"],
    "identity": ["ALTER TABLE t REPLICA IDENTITY FULL", "ALTER TABLE t REPLICA IDENTITY DEFAULT"],
    "index": ["CREATE INDEX i{n} ON t (a)", "DROP INDEX i{n}"],
}


@pytest.mark.parametrize("change", DURING)
def test_shapes_change_during_the_backfill(database, capture, change):
    """Whatever shape a row came in, every row comes once and every change after it."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int, b text)",
                     "INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, 6000) n")
    one = capture(["t"], advanced={"backfill_chunk_size": 50})

    def write(chance):
        return [f"UPDATE t SET a = a WHERE id = {chance.randint(1, 6000)}",
                f"DELETE FROM t WHERE id = {chance.randint(1, 6000)}",
                f"INSERT INTO t (id, a) SELECT {chance.randint(1, 7000)}, 1 ON CONFLICT DO NOTHING"]

    with Writer(database, write):
        process = one.start()
        for n in range(8):
            process.wait_for(lambda run, enough=n * 300: len(run.records) >= enough)
            database.execute(*[statement.format(n=n) for statement in DURING[change]])
        one.keep(process.succeed())
    assert "interrupted" not in process.stderr, process.stderr
    assert ("backfilled again" in process.stderr) <= (change == "alter_type"), process.stderr  # it gives rows other values
    database.execute("UPDATE t SET id = id")
    one.run()
    oracle = Oracle("public", "t", ["id"], lives=None if change == "alter_type" else 1)
    for record in one.records:
        oracle.apply(record)
    assert not oracle.violations, oracle.violations[:3]
    assert oracle.rows.keys() == oracle.expected(database).keys()
    expected = oracle.expected(database)
    last = {oracle.key_of(body(record)): body(record) for record in one.records}
    assert all(last[key] == row for key, row in expected.items())


@pytest.fixture(name="waiting")
def waiting_table(database, capture):
    """A table s.next that is to be read after a large one; waiting(*statements) runs them before that."""
    database.execute("CREATE SCHEMA s", "CREATE TABLE t (id int PRIMARY KEY, a text)",
                     "INSERT INTO t SELECT n, repeat('x', 200) FROM generate_series(1, 100000) n")

    def during(*statements):
        one = capture(["t", stream("next", "s")], advanced={"backfill_chunk_size": 500})
        process = one.start().wait_for_records(1000)
        database.execute(*statements)
        assert not process.records_of("next"), "the table was read already: this test tests nothing"
        return process.finish()

    return during


def publish(database, tables):
    database.execute(f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, {database.watermarks}, {tables}")


@pytest.mark.since(13)
def test_a_column_becomes_an_ordinary_one_before_its_table_is_read(database, waiting):
    database.execute("CREATE TABLE s.next (id int PRIMARY KEY, k int GENERATED ALWAYS AS (id * 2) STORED)",
                     "INSERT INTO s.next VALUES (1), (2)")
    process = waiting("ALTER TABLE s.next ALTER k DROP EXPRESSION").succeed()
    assert [body(record) for record in process.records_of("next")] == [{"id": 1, "k": 2}, {"id": 2, "k": 4}]


@pytest.mark.since(15)
@pytest.mark.parametrize("change, ids", [
    ("ADD TABLES IN SCHEMA s", [1, 2]),  # a table that is published twice is published whole
    ("SET TABLE t, {watermarks}, s.next WHERE (id = 2)", [2]),
])
def test_what_is_published_of_a_table_changes_before_it_is_read(database, waiting, change, ids):
    database.execute("CREATE TABLE s.next (id int PRIMARY KEY)", "INSERT INTO s.next VALUES (1), (2)")
    publish(database, "s.next WHERE (id = 1)")
    change = change.format(watermarks=database.watermarks)
    process = waiting(f"ALTER PUBLICATION {database.publication} {change}").succeed()
    assert [record["data"]["id"] for record in process.records_of("next")] == ids
    assert "row filter" not in process.stderr


def test_a_table_that_is_not_published_any_more_is_not_read(database, waiting):
    database.execute("CREATE TABLE s.next (id int PRIMARY KEY)", "INSERT INTO s.next VALUES (1), (2)")
    publish(database, "s.next")
    process = waiting(f"ALTER PUBLICATION {database.publication} DROP TABLE s.next")
    assert process.process.returncode != 0 and not process.records_of("next")
    assert "s.next is not in the publication any more" in process.errors[-1]["message"]


def test_a_table_recreated_during_its_backfill(database, capture):
    """The rows that are there at the end are in the records; the loss of the old table's rows is not reported."""
    make = ["CREATE TABLE t (id int PRIMARY KEY, a int)", "INSERT INTO t SELECT n, n FROM generate_series(1, 3000) n"]
    database.execute(*make, database.publish_all)
    one = capture(["t"], advanced={"backfill_chunk_size": 50})
    process = one.start().wait_for_records(100)
    database.transaction("DROP TABLE t", *make)
    one.keep(process.succeed())
    assert "interrupted" not in process.stderr, process.stderr
    before = len(one.records)
    database.execute("UPDATE t SET a = 0")
    one.run()
    again = one.records[max(n for n, record in enumerate(one.records[:before])
                            if record["data"]["_meta"]["source"]["loc"][:2] == [-1, 0]):before]
    assert [record["data"]["id"] for record in again] == list(range(1, 3001))
    assert operations(one.records[before:]) == ["u"] * 3000


def test_a_table_dropped_for_good_is_an_error_at_the_next_start(live, database, capture):
    live.keep(live.process.stop())
    database.execute("DROP TABLE t")
    process = live.start().finish()
    assert process.process.returncode != 0 and "does not exist" in process.errors[0]["message"]
    other = capture([stream("u")])
    assert other.start().finish().process.returncode != 0
