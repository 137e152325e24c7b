"""Keys that a user chose in the catalog, and that no unique index guarantees: rows are read in ctid order, and each
record counts."""

import pytest

from again import SOON, kill_in_backfill, warnings
from airbyte_destination import Destination, discovered
from capture import stream
from connector import run
from writer import Writer

ROWS = 3000
SMALL = {"backfill_chunk_size": 100, **SOON}
FULL = "ALTER TABLE t REPLICA IDENTITY FULL"
# Both cases in which a user chooses: a table without any key, and one that has another.
KEYLESS = "CREATE TABLE t (year int, name text, v int)"
KEYED = "CREATE TABLE t (id serial PRIMARY KEY, year int, name text, v int)"
FILL = "INSERT INTO t (year, name, v) SELECT 2000 + n % 10, 'n' || n / 10, n FROM generate_series(0, {}) n"
KEY = ["year", "name"]


@pytest.mark.parametrize("table", [KEYLESS, KEYED])
def test_it_is_captured_with_deletes_updates_and_moves(database, capture, table):
    database.execute(table, FULL, FILL.format(ROWS - 1))
    one = capture([stream("t", key=KEY)], advanced=SMALL)
    process = one.run()
    assert len(one.records) == ROWS and not warnings(process), process.story()
    database.execute("UPDATE t SET v = -v WHERE name = 'n7'", "DELETE FROM t WHERE name = 'n8'",
                     "UPDATE t SET name = 'moved' WHERE name = 'n9'", "INSERT INTO t (year, name, v) VALUES (1999, 'new', 1)")
    one.run()
    assert [record["data"]["_meta"]["op"] for record in one.records[ROWS:]] == ["u"] * 10 + ["d"] * 10 + ["d", "c"] * 10 + ["c"]
    one.assert_equal(t=KEY)


@pytest.mark.parametrize("table", [KEYLESS, "CREATE TABLE t (year int, name text, v int, UNIQUE (year, name))"])
def test_a_table_without_identity_brings_its_rows_and_inserts(database, capture, table):
    """The columns may be null, too."""
    database.execute(table, FILL.format(99), "INSERT INTO t (year) VALUES (NULL), (NULL)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t")
    one = capture([stream("t", key=KEY)], advanced=SMALL)
    one.run()
    database.execute("INSERT INTO t VALUES (1999, NULL, 100)")
    one.run()
    assert sorted(record["data"]["v"] for record in one.records if record["data"]["v"] is not None) == list(range(101))
    assert len(one.records) == 103


def test_rows_that_share_the_key_all_come(database, capture):
    database.execute(KEYED, FULL, FILL.format(ROWS - 1))
    one = capture([stream("t", key=["year"])], advanced=SMALL)
    one.run()
    assert sorted(record["data"]["v"] for record in one.records) == list(range(ROWS))
    assert "key_columns" not in one.state[0]["global"]["stream_states"][0]["stream_state"]


def test_its_columns_are_written_though_they_were_deselected(database, capture):
    """By both paths, also if the replica identity lacks its columns, so that rows cannot be identified by them."""
    database.execute(KEYED, FILL.format(9))
    one = capture([], advanced=SMALL)
    one.streams = discovered(one, "t", columns=["v"], primary_key=[[column] for column in KEY])
    one.run()
    database.execute("UPDATE t SET v = -1 WHERE v = 1")
    one.run()
    assert len(one.records) == 11 and one.records[10]["data"]["v"] == -1
    assert all(record["data"].get("year") and record["data"].get("name") for record in one.records)


def test_check_takes_it(database, capture):
    database.execute(KEYLESS, FULL)
    one = capture([stream("t", key=KEY)])
    process = run("check", "--config", one.path("config.json", one.config)).succeed()
    assert process.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"] == "SUCCEEDED"
    one.run()


def test_key_columns_that_the_identity_lacks_are_logged(database, capture):
    """In each run, since the first one's log may not have been read; the advice works."""
    database.execute(KEYED, FILL.format(99))
    one = capture([stream("t", key=KEY)], advanced=SMALL)
    said = warnings(one.run())
    assert len(said) == 1 and warnings(one.run()) == said and "public.t" in said[0] and '"year"' in said[0] and "REPLICA IDENTITY FULL" in said[0]
    database.execute("UPDATE t SET v = 1000 WHERE v = 1", "DELETE FROM t WHERE v = 2")
    one.run()
    assert [(record["data"]["_meta"]["op"], record["data"]["id"]) for record in one.records[100:]] == [("u", 2), ("d", 3)]
    one.state = None
    one.records.clear()
    database.execute(FULL)
    assert not warnings(one.run())
    database.execute("DELETE FROM t WHERE v = 3")
    one.run()
    one.assert_equal(t=KEY)


def move(chance):
    """Rows are changed, deleted and made again under their keys, and keys move."""
    n = chance.randint(0, ROWS - 1)
    where = f"WHERE year = {2000 + n % 10} AND name = 'n{n // 10}'"
    return [chance.choice((f"UPDATE t SET v = v + 1 {where}", f"DELETE FROM t {where}",
                           f"UPDATE t SET name = 'm{chance.randint(0, 10**9)}' {where}",
                           f"INSERT INTO t (year, name, v) SELECT {2000 + n % 10}, 'n{n // 10}', -1"
                           f" WHERE NOT EXISTS (SELECT FROM t {where})"))]


@pytest.mark.parametrize("kills", [0, 3])
@pytest.mark.parametrize("table", [KEYLESS, KEYED])
def test_a_destination_is_in_step_with_what_changes_beside_the_backfill(database, capture, table, kills):
    """A row may come after its changes, and must not count as newer; also if another run continues."""
    database.execute(table, FULL, FILL.format(ROWS - 1))
    one = capture([], advanced={**SMALL, "backfill_chunk_size": 20})
    one.streams = discovered(one, "t", primary_key=[[column] for column in KEY])
    with Writer(database, move, 1, 0.0005):  # a lone writer: no two rows share a key
        for _ in range(kills):
            process = one.start()
            process.wait_for(lambda run: len(run.records_of("t")) >= 300 or run.process.poll() is not None)
            one.keep(process.kill())
        one.run()
    one.run()
    destination = Destination("t", KEY)
    for record in one.records:
        destination.apply(record)
    destination.assert_equal(database)


@pytest.mark.parametrize("killed", [False, True])
def test_rows_read_again_are_newer_than_a_large_transaction_before(database, capture, killed):
    """The cursors of its changes run far past the LSN at which the backfill begins, also if another run continues."""
    quiet = " WITH (autovacuum_enabled = off)"
    database.execute(KEYLESS + quiet, FULL, FILL.format(10 * ROWS - 1), "CREATE TABLE large (id int)" + quiet, "ALTER TABLE large REPLICA IDENTITY FULL",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    one = capture([], advanced={**SMALL, "backfill_chunk_size": 20})
    one.streams = discovered(one, "t", primary_key=[[column] for column in KEY])
    one.sent = []
    one.run()
    database.transaction("INSERT INTO large SELECT generate_series(1, 600000)", "UPDATE t SET v = -v WHERE v < 9")
    one.run()
    assert int(one.state[0]["global"]["shared_state"]["carry"]) > 0
    database.execute("UPDATE t SET v = -3 WHERE v = -1", "DELETE FROM t WHERE v = -2", "INSERT INTO t VALUES (2002, 'n0', -4)")
    one.streams[0]["generation_id"] = 2
    if killed:
        kill_in_backfill(one, len(one.records) + 10 * ROWS)
    one.run()
    destination = Destination("t", KEY)
    for record in one.sent:
        destination.apply(record)
    destination.assert_equal(database)


INDEX = "CREATE UNIQUE INDEX chosen ON t (year, name)"


@pytest.mark.parametrize("first, then", [([INDEX], "DROP INDEX chosen"), ([], INDEX)])
@pytest.mark.parametrize("when", ["in mid-backfill", "after a kill", "while it is active"])
def test_an_index_that_comes_or_goes(database, capture, first, then, when):
    """Rows are read in another order from then on: what was not out is backfilled again, and nothing is lost."""
    database.execute(KEYED.replace("year int, name text", "year int NOT NULL, name text NOT NULL"), FULL, FILL.format(ROWS - 1),
                     *first)
    one = capture([stream("t", key=KEY)], advanced={**SMALL, "backfill_chunk_size": 10})
    if when == "after a kill":
        kill_in_backfill(one, ROWS)
        database.execute(then)
    elif when == "in mid-backfill":
        process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
        database.execute(then)
        one.keep(process.go_on().succeed())
    else:
        one.run()
        database.execute(then)
    one.run()
    database.execute("DELETE FROM t WHERE name = 'n8'", "UPDATE t SET v = -v WHERE name = 'n7'")
    one.run()
    one.materialised({"t": KEY}, {"t": 2}).assert_equal(database)
