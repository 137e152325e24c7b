"""Another table under a captured name: dropped and recreated, swapped in by renaming, or published later than it was filled.

What the new table holds is captured from its first row on; the old table's rows get no deletes; a warning says so.
"""

import re
import threading
from contextlib import closing

import pytest

from again import SOON
from capture import stream
from connector import PATIENCE
from refusal import assert_refused

ROWS = 40
FILL = f"INSERT INTO t SELECT n, 'old' FROM generate_series(1, {ROWS}) n"
REMAKE = ["DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, a text)",
          "INSERT INTO t SELECT n, 'new' FROM generate_series(21, 60) n"]
LEAVE = ["ALTER PUBLICATION {publication} DROP TABLE t", "INSERT INTO t VALUES (1001, 'unseen')"]
COME_BACK = "ALTER PUBLICATION {publication} ADD TABLE t"


@pytest.fixture(name="one")
def captured_table(database, capture):
    """Captured up to its last row, through a publication that names its tables."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", FILL,
                     "CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, public.watermarks_of_the_test")
    one = capture(["t"])
    one.run()
    one.records.clear()
    return one


def in_publication(database, *statements):
    database.execute(*[statement.format(publication=database.publication) for statement in statements])


def warnings(process):
    return [line for line in process.stderr.splitlines() if line.startswith("WARN: ")]


def assert_begun_again(one, process, key="id"):
    """The run was the first of the new table: a create for each row, and nothing of the old one."""
    assert any("public.t " in line and "backfilled again" in line for line in warnings(process)), process.stderr
    one.assert_equal(t=[key])
    assert [record["data"]["_meta"]["op"] for record in process.records] == ["c"] * len(process.records)


def test_recreated_between_two_runs(one, database):
    """The table was not added to the publication: the connector adds it, too late for the rows that are there."""
    database.execute(*REMAKE)
    assert_begun_again(one, one.run())
    database.execute("UPDATE t SET a = 'newer' WHERE id = 60")
    process = one.run()
    assert len(process.records) == 1 and not warnings(process)


def test_recreated_filled_and_then_published(one, database):
    database.execute(*REMAKE, f"ALTER PUBLICATION {database.publication} ADD TABLE t", "INSERT INTO t VALUES (1000, 'newest')")
    assert_begun_again(one, one.run())


def test_recreated_with_another_key(one, database):
    """Changes of the old table that are still to be captured are not changes of the new one."""
    database.execute("DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (1001, 'late')", "DROP TABLE t",
                     "CREATE TABLE t (code text PRIMARY KEY, a text)", "INSERT INTO t VALUES ('x', 'new')")
    assert_begun_again(one, one.run(), key="code")


def test_another_table_takes_its_name(database, capture):
    """Even a publication of all tables does not help: its rows were written under another name."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", FILL)
    one = capture(["t"])
    one.run()
    one.records.clear()
    database.execute("CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(21, 60) n",
                     "INSERT INTO t VALUES (1001, 'late')", "ALTER TABLE t RENAME TO old", "ALTER TABLE u RENAME TO t",
                     "DELETE FROM t WHERE id = 21")
    assert_begun_again(one, one.run())


def test_a_swap_while_it_runs_is_noticed_by_its_first_change(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", FILL, database.publish_all)
    one = capture(["t"], tail=True)
    process = one.start().wait_for_active()
    database.execute("CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(21, 60) n",
                     "DROP TABLE t", "ALTER TABLE u RENAME TO t", "DELETE FROM t WHERE id = 21", "DELETE FROM t WHERE id = 22")
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + 38)
    one.keep(process.stop())
    (warning,) = warnings(process)
    assert "public.t is another one" in warning and "backfilled again" in warning
    one.records = one.records[ROWS:]
    one.assert_equal(t=["id"])
    one.tail = False
    assert not one.run().records


def test_a_table_that_left_the_publication_for_a_while(one, database):
    in_publication(database, *LEAVE)
    process = one.run()
    assert_begun_again(one, process)
    assert len(process.records) == ROWS + 1


def test_a_table_that_came_back_into_the_publication_before_the_run(one, database):
    in_publication(database, *LEAVE, COME_BACK)
    assert_begun_again(one, one.run())
    database.execute("UPDATE t SET a = 'newer' WHERE id = 1001")
    process = one.run()
    assert len(process.records) == 1 and not warnings(process)


def test_a_table_that_a_run_added_before_it_was_killed(one, database):
    """The next run finds it in the publication, and knows nothing of the run that added it."""
    database.execute("CREATE TABLE u (id int PRIMARY KEY)")
    in_publication(database, *LEAVE)
    one.streams.append(stream("u"))
    with closing(database.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE u IN SHARE UPDATE EXCLUSIVE MODE")
        process = one.start()
        process.wait_for(lambda run: 'added table "public"."t"' in run.stderr)
        process.kill()
        cursor.execute("ROLLBACK")
    database.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%'"
                      " AND datname = current_database())")
    assert_begun_again(one, one.run())


def test_a_table_that_was_added_as_the_refusal_says(one, database, user):
    one.config.update(user("REPLICATION", "GRANT ALL ON public.watermarks_of_the_test, t TO {user}"))
    in_publication(database, *LEAVE)
    process = one.start().finish()
    assert_refused(process, "config_error", "ADD TABLE ONLY")
    database.execute(re.search("run (ALTER PUBLICATION .*) as their owner", process.stderr).group(1))
    assert_begun_again(one, one.run())


def test_a_table_that_came_back_into_the_publication_during_the_run(one, database):
    one.tail = True
    one.config["advanced"] = {"check_interval": "1s"}
    process = one.start().wait_for_active()
    in_publication(database, *LEAVE, COME_BACK, "INSERT INTO t VALUES (1002, 'seen')")
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + 2)
    one.keep(process.stop())
    assert any("backfilled again" in line for line in warnings(process))
    one.records = one.records[-ROWS - 2:]
    one.assert_equal(t=["id"])


PARTED = ["CREATE TABLE {schema}.parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
          "CREATE TABLE t PARTITION OF {schema}.parts FOR VALUES FROM (0) TO (2000)"]


@pytest.mark.since(13)
@pytest.mark.parametrize("name, via_root", [("parts", "true"), ("t", "false")])
def test_a_partitioned_table_that_left_the_publication_for_a_while(database, capture, name, via_root):
    """Its partitions are published with it."""
    database.execute(*[statement.format(schema="public") for statement in PARTED], "INSERT INTO t VALUES (1)")
    in_publication(database, "CREATE PUBLICATION {publication} FOR TABLE parts"
                   f" WITH (publish_via_partition_root = {via_root})")
    assert_a_gap_is_seen(database, capture([name]), "TABLE parts")


@pytest.mark.since(15)
@pytest.mark.parametrize("home", ["public", "elsewhere"])
def test_a_schema_that_left_the_publication_for_a_while(database, capture, home):
    """The publication's entry of the table, or of the partitioned table that it is part of."""
    database.execute("CREATE SCHEMA elsewhere", *[statement.format(schema=home) for statement in PARTED],
                     "INSERT INTO t VALUES (1)")
    in_publication(database, f"CREATE PUBLICATION {{publication}} FOR TABLES IN SCHEMA {home}")
    assert_a_gap_is_seen(database, capture(["t"]), f"TABLES IN SCHEMA {home}")


def assert_a_gap_is_seen(database, one, published):
    """`published`, which leaves and comes back, as ALTER PUBLICATION names it."""
    name = one.streams[0]["stream"]["name"]
    one.run()
    assert not warnings(one.run())
    one.records.clear()
    in_publication(database, f"ALTER PUBLICATION {{publication}} DROP {published}", "INSERT INTO t VALUES (2)",
                   f"ALTER PUBLICATION {{publication}} ADD {published}")
    assert any(f"public.{name} " in line for line in warnings(one.run()))
    one.assert_equal(**{name: ["id"]})
    assert not warnings(one.run())


@pytest.mark.parametrize("keep", [
    "ALTER PUBLICATION {publication} SET TABLE t, public.watermarks_of_the_test",
    "ALTER PUBLICATION {publication} ADD TABLE u"])
def test_a_publication_that_is_altered_and_keeps_the_table(one, database, keep):
    database.execute("CREATE TABLE u (id int PRIMARY KEY)")
    in_publication(database, keep)
    database.execute("INSERT INTO t VALUES (1001, 'seen')")
    process = one.run()
    assert len(process.records) == 1 and not warnings(process)


@pytest.mark.since(15)
def test_a_row_filter_that_is_another_one(one, database):
    """The server takes the table out and puts it in again, and it cannot be known whether in one transaction."""
    in_publication(database, "ALTER PUBLICATION {publication} SET TABLE t WHERE (id < 1000), public.watermarks_of_the_test")
    assert_begun_again(one, one.run())


def test_a_state_that_does_not_say_what_published_the_table(one, database):
    """States of earlier versions lack it: the capture continues, and its states have it from then on."""
    def without(value):
        if isinstance(value, list):
            return [without(item) for item in value]
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items() if name not in ("published_by", "terms")}
        return value
    assert without(one.state) != one.state
    one.state = without(one.state)
    database.execute("INSERT INTO t VALUES (1001, 'seen')")
    process = one.run()
    assert len(process.records) == 1 and not warnings(process)
    assert "is of an earlier version" in process.stderr
    assert without(one.state) != one.state


def test_a_stream_whose_rows_are_skipped_continues(one, database, capture):
    """Its rows are not wanted."""
    one.config["advanced"] = {"skip_backfills": "public.t"}
    database.execute(*REMAKE)
    process = one.run()
    assert not process.records and any("public.t " in line for line in warnings(process))
    database.execute("INSERT INTO t VALUES (1001, 'seen')")
    assert len(one.run().records) == 1


@pytest.mark.parametrize("leave", [REMAKE, ["ALTER TABLE t RENAME TO away"], ["DROP TABLE t"],
                                   ["ALTER PUBLICATION {publication} DROP TABLE t"]])
def test_a_table_that_sends_no_changes_any_more_is_warned_of(one, database, leave):
    one.tail = True
    one.config["advanced"] = dict(SOON)
    process = one.start().wait_for_active()
    in_publication(database, *leave)
    process.wait_for(lambda run: any("public.t " in line for line in warnings(run)), 20 * PATIENCE)
    process.stop()
    assert len(warnings(process)) == 1


def test_a_table_recreated_while_it_is_looked_at(database, capture):
    """The functions that check the right to read it see it gone, while the query that calls them still sees it."""
    names = [f"t_{n}" for n in range(150)]
    database.execute(*[f"CREATE TABLE {name} (id int PRIMARY KEY)" for name in names],
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    one = capture(names, of=database, tail=True)
    one.config["advanced"] = {"skip_backfills": "public.*"}
    stopping = threading.Event()

    def recreate():
        with closing(database.connect()) as connection, connection.cursor() as cursor:
            while not stopping.is_set():
                cursor.execute("BEGIN; DROP TABLE t_7; CREATE TABLE t_7 (id int PRIMARY KEY); COMMIT")
                stopping.wait(0.1)

    worker = threading.Thread(target=recreate)
    worker.start()
    try:
        for _ in range(6):
            process = one.start()
            process.wait_for(lambda run: run.messages or run.process.poll() is not None)
            process.kill()
            kinds = [error["failure_type"] for error in process.errors]
            assert kinds in ([], ["transient_error"]), process.story()
    finally:
        stopping.set()
        worker.join()
