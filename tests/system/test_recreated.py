"""Another table under a captured name: dropped and recreated, swapped in by renaming, or published later than it was filled.

What the new table holds is captured from its first row on; what went with the old one is not told, but warned of.
"""

import pytest

from connector import PATIENCE

ROWS = 40
FILL = f"INSERT INTO t SELECT n, 'old' FROM generate_series(1, {ROWS}) n"
REMAKE = ["DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, a text)",
          "INSERT INTO t SELECT n, 'new' FROM generate_series(21, 60) n"]


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


def warnings(process):
    return [line for line in process.stderr.splitlines() if line.startswith("WARN: ")]


def assert_begun_anew(one, process, key="id"):
    """The run was the first of the new table: a create for each row, and nothing of the old one."""
    assert any("public.t " in line and "read from the beginning" in line for line in warnings(process)), process.stderr
    one.assert_equal(t=[key])
    assert [record["data"]["_meta"]["op"] for record in process.records] == ["c"] * len(process.records)


def test_recreated_between_two_runs(one, database):
    """Nobody told the publication: the connector adds the table to it, too late for the rows that are there."""
    database.execute(*REMAKE)
    assert_begun_anew(one, one.run())
    database.execute("UPDATE t SET a = 'newer' WHERE id = 60")
    process = one.run()
    assert len(process.records) == 1 and not warnings(process)


def test_recreated_filled_and_then_published(one, database):
    database.execute(*REMAKE, f"ALTER PUBLICATION {database.publication} ADD TABLE t", "INSERT INTO t VALUES (1000, 'newest')")
    assert_begun_anew(one, one.run())


def test_recreated_with_another_key(one, database):
    """The changes of the old table that are still to be captured are no changes of the new one."""
    database.execute("DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (1001, 'late')", "DROP TABLE t",
                     "CREATE TABLE t (code text PRIMARY KEY, a text)", "INSERT INTO t VALUES ('x', 'new')")
    assert_begun_anew(one, one.run(), key="code")


def test_another_table_takes_its_name(database, capture):
    """Even a publication of all tables does not help: its rows were written under another name."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", FILL)
    one = capture(["t"])
    one.run()
    one.records.clear()
    database.execute("CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(21, 60) n",
                     "INSERT INTO t VALUES (1001, 'late')", "ALTER TABLE t RENAME TO old", "ALTER TABLE u RENAME TO t",
                     "DELETE FROM t WHERE id = 21")
    assert_begun_anew(one, one.run())


def test_a_swap_while_it_runs_is_warned_of_and_mended_by_the_next_run(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", FILL)
    one = capture(["t"], tail=True)
    process = one.start().wait_for_active()
    database.execute("CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(21, 60) n",
                     "DROP TABLE t", "ALTER TABLE u RENAME TO t", "DELETE FROM t WHERE id = 21", "DELETE FROM t WHERE id = 22")
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + 2)
    one.keep(process.stop())
    (warning,) = warnings(process)
    assert "public.t " in warning and "start the capture again" in warning
    one.records.clear()
    one.tail = False
    assert_begun_anew(one, one.run())


def test_a_table_that_left_the_publication_for_a_while(one, database):
    database.execute(f"ALTER PUBLICATION {database.publication} DROP TABLE t", "INSERT INTO t VALUES (1001, 'unseen')")
    process = one.run()
    assert_begun_anew(one, process)
    assert len(process.records) == ROWS + 1


def test_a_stream_whose_rows_are_skipped_goes_on(one, database, capture):
    """Nobody wants its rows."""
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
    process = one.start().wait_for_active()
    database.execute(*[statement.format(publication=database.publication) for statement in leave])
    process.wait_for(lambda run: any("public.t " in line for line in warnings(run)), 80 * PATIENCE)
    process.stop()
    assert len(warnings(process)) == 1
