"""A row that moves to another key while a value out of line is left alone: under identity DEFAULT the server does not send
the value, and the create has it nevertheless."""

import pytest

from again import SOON, assert_lives, said_again, wait_until_again
from held import Holding
from test_identity import LONG, body, meta
from writer import Writer

KEYS = {
    "int": ("id int PRIMARY KEY", "n", "id", "id + 1000"),
    "text": ("id text PRIMARY KEY", "repeat('k', 20) || n", "id", "'moved ' || id"),
    "icu": ('id text COLLATE "en-US-x-icu" PRIMARY KEY', "'Ä' || n", "id", "'ä moved ' || id"),
    "two_columns": ("id int, part text, PRIMARY KEY (id, part)", "n, 'part'", "id, part", "id, part || ' moved'"),
}


@pytest.fixture(name="begin")
def begin_capture(database, capture):
    """begin(key, tail): a capture of a table t of ten rows with two such values each; all its rows are out."""

    def begin(key="int", tail=False, rows=10, **options):
        definition, values, _, _ = KEYS[key]
        database.execute(f"CREATE TABLE t ({definition}, n int, big text NOT NULL, body bytea)",
                         "ALTER TABLE t ALTER big SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL",
                         f"INSERT INTO t SELECT {values}, n, {LONG.format(seed='n')}, convert_to({LONG.format(seed='n + 5')}, 'UTF8')"
                         f" FROM generate_series(1, {rows}) n")
        one = capture(["t"], tail=tail, **options)
        one.process = one.start()
        if tail:
            one.process.wait_for_active()
        else:
            one.keep(one.process.succeed())
        return one

    return begin


def move(key, where="n = 5"):
    _, _, columns, moved = KEYS[key]
    return f"UPDATE t SET ({columns}) = ROW({moved}) WHERE {where}"


def settle(one, count):
    """The records of `count` changes; without `tail` of another run."""
    if not one.tail:
        records = one.run().records
    else:
        process = one.process.wait_for(lambda run: run.records_before_last_state() >= 10 + count).stop()
        one.keep(process)
        records = process.records[10:]
    assert len(records) == count, [(meta(record)["op"], meta(record)["source"]) for record in records]
    return records


@pytest.mark.parametrize("tail", [True, False])
@pytest.mark.parametrize("key", KEYS)
def test_the_create_has_the_values(database, begin, key, tail):
    one = begin(key, tail)
    database.execute(move(key))
    records = settle(one, 2)
    assert [meta(record)["op"] for record in records] == ["d", "c"]
    assert len(body(records[1])["big"]) == 6400 and len(body(records[1])["body"]) > 6400
    one.assert_equal(t=[column.strip() for column in KEYS[key][2].split(",")])


def test_flow_has_the_values_too(database, flow):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     f"INSERT INTO t SELECT n, {LONG.format(seed='n')} FROM generate_series(1, 10) n")
    one = flow(["t"])
    one.run()
    database.execute("UPDATE t SET id = 100 WHERE id = 5")
    one.run()
    assert [meta(record)["op"] for record in one.records[10:]] == ["d", "c"]
    one.assert_equal(t=["id"])


def test_a_value_that_is_newer_by_then_is_followed_by_what_made_it_newer(database, begin):
    one = begin()
    database.execute(move("int"), "UPDATE t SET big = 'newer' WHERE n = 5")
    records = settle(one, 3)
    assert [meta(record)["op"] for record in records] == ["d", "c", "u"]
    assert "big" in body(records[1]) and body(records[2])["big"] == "newer"
    one.assert_equal(t=["id"])


def test_a_row_that_is_gone_by_then_is_followed_by_its_delete(database, begin):
    one = begin()
    database.execute(move("int"), "DELETE FROM t WHERE n = 5")
    records = settle(one, 3)
    assert [meta(record)["op"] for record in records] == ["d", "c", "d"]
    one.assert_equal(t=["id"])


def test_a_row_that_moves_on_is_whole_where_it_stays(database, begin):
    one = begin()
    database.execute(move("int"), move("int"), "UPDATE t SET id = 5 WHERE n = 5", "UPDATE t SET id = 7000 WHERE n = 5")
    assert [meta(record)["op"] for record in settle(one, 8)] == ["d", "c"] * 4
    one.assert_equal(t=["id"])


def test_another_row_under_the_key_lends_nothing_that_stays(database, begin):
    """The key was taken by another row meanwhile."""
    one = begin()
    database.execute("UPDATE t SET id = 100 WHERE id = 5", "UPDATE t SET id = 200 WHERE id = 100", "UPDATE t SET id = 100 WHERE id = 6")
    assert [meta(record)["op"] for record in settle(one, 6)] == ["d", "c"] * 3
    one.assert_equal(t=["id"])


def test_a_value_of_another_type_by_then_is_not_taken(database, capture):
    """It would be printed as one of the type that it had: as JSON, which it is not."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, doc jsonb)", "ALTER TABLE t ALTER doc SET STORAGE EXTERNAL",
                     f"INSERT INTO t SELECT n, to_jsonb({LONG.format(seed='n')}) FROM generate_series(1, 10) n")
    with Holding(database.server.port) as proxy:
        one = capture(["t"], tail=True, advanced=SOON, port=proxy.port)
        process = one.start().wait_for_active()
        proxy.words = b"LEFT JOIN (SELECT true"
        database.execute("UPDATE t SET id = 100 WHERE id = 5")
        assert proxy.held.wait(10), process.story()
        database.execute("ALTER TABLE t ALTER doc TYPE text USING 'no document: ' || id")
        proxy.free.set()
        one.keep(wait_until_again(process).stop())
    assert said_again(process), process.story()
    assert_lives(one, {"t": ["id"]}, {"t": 2})


def test_many_rows_move_in_one_transaction(database, begin):
    one = begin(tail=True)
    database.execute(move("int", "true"))
    settle(one, 20)
    one.assert_equal(t=["id"])


def test_a_value_that_is_sent_needs_no_question(database, begin):
    one = begin()
    database.execute("UPDATE t SET id = 100, big = 'small', body = 'x' WHERE id = 5", "ALTER TABLE t REPLICA IDENTITY FULL",
                     "UPDATE t SET id = 200 WHERE id = 6")
    records = settle(one, 4)
    assert "REPLICA IDENTITY FULL" not in one.runs[-1].stderr
    assert body(records[1])["big"] == "small" and len(body(records[3])["big"]) == 6400
    one.assert_equal(t=["id"])


def test_it_is_said_once_that_full_identity_avoids_it(database, begin):
    one = begin(tail=True)
    database.execute(move("int"), move("int", "n = 6"), move("int", "n = 7"))
    settle(one, 6)
    said = [line for line in one.process.stderr.splitlines() if "REPLICA IDENTITY FULL" in line]
    assert len(said) == 1 and "public.t" in said[0], one.process.story()


def test_rows_that_move_beside_the_backfill_are_whole(database, begin):
    """Over keys that are out and keys that are not."""
    one = begin(tail=True, rows=10)
    one.keep(one.process.stop())
    one.state, one.records, one.tail = None, [], False
    database.execute(f"INSERT INTO t SELECT n, n, {LONG.format(seed='n')}, 'x' FROM generate_series(11, 800) n")
    one.config["advanced"] = {"backfill_chunk_size": 5}

    def make(chance):
        n = chance.randint(1, 2000)
        return [f"UPDATE t SET id = {chance.randint(1, 2000)} WHERE id = {n}", f"UPDATE t SET n = n + 1 WHERE id = {n + 1}"]

    with Writer(database, make, 1, 0.001), Writer(database, make, 2, 0.001):
        one.run()
    one.run()
    one.assert_equal(t=["id"])


LEAVES = ["CREATE TABLE t (id int PRIMARY KEY, n int, big text NOT NULL) PARTITION BY RANGE (id)",
          "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (500)",
          "CREATE TABLE high PARTITION OF t FOR VALUES FROM (500) TO (2000)",
          "ALTER TABLE low ALTER big SET STORAGE EXTERNAL", "ALTER TABLE high ALTER big SET STORAGE EXTERNAL",
          f"INSERT INTO t SELECT n, 0, {LONG.format(seed='n')} FROM generate_series(1, 999) n",
          "ALTER TABLE t REPLICA IDENTITY FULL"]
NEW_LEAF = ["CREATE TABLE far PARTITION OF t FOR VALUES FROM (2000) TO (4000)", "ALTER TABLE far ALTER big SET STORAGE EXTERNAL",
            f"INSERT INTO t SELECT n, 0, {LONG.format(seed='n')} FROM generate_series(2000, 2020) n", "UPDATE far SET n = 1"]


def change_leaves(chance):
    """Updates, deletes, and moves within a leaf and to the other one."""
    n = chance.randint(1, 1999)
    return [f"UPDATE t SET n = n + 1 WHERE id = {chance.randint(1, 999)}", f"DELETE FROM t WHERE id = {chance.randint(1, 999)}",
            f"UPDATE t SET id = {n} WHERE id = {chance.randint(1, 999)} AND NOT EXISTS (SELECT FROM t WHERE id = {n})"]


@pytest.mark.since(13)
def test_leaves_under_a_root_with_full_identity(database, capture):
    """FULL does not recurse: what the leaves send is decided by theirs, of new ones too. That makes no value null; or
    else an error names the leaves, and its advice works."""
    database.execute(*LEAVES, f"CREATE PUBLICATION {database.publication} FOR ALL TABLES WITH (publish_via_partition_root = true)")
    one = capture(["t"], advanced={"backfill_chunk_size": 10})
    with Writer(database, change_leaves):
        process = one.start().finish()
        if process.process.returncode:
            assert all(name in process.errors[-1]["message"] for name in ("public.low", "public.high")), process.story()
            database.execute("ALTER TABLE low REPLICA IDENTITY FULL", "ALTER TABLE high REPLICA IDENTITY FULL")
            process = one.start().succeed()
    one.keep(process)
    database.execute(*NEW_LEAF)
    process = one.start().finish()
    if process.process.returncode:
        assert "public.far" in process.errors[-1]["message"], process.story()
        database.execute("ALTER TABLE far REPLICA IDENTITY FULL")
        process = one.start().succeed()
    one.keep(process)
    empty = [record for record in one.records if record["data"].get("big", "absent") is None]
    assert not empty, f"{len(empty)} records say null of a column that is NOT NULL: {empty[0]}"
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("change", ["RENAME n TO m", "DROP n", "ALTER n TYPE bigint", "ADD c int DEFAULT 1"])
def test_a_change_of_other_columns_by_then_takes_no_value_away(database, begin, change, running):
    """Only the columns that were not sent are asked for."""
    one = begin(tail=running)
    database.transaction(move("int"), f"ALTER TABLE t {change}")
    if running:
        one.keep(one.process.wait_for(lambda run: run.records_before_last_state() >= 12).stop())
        one.tail = False
    process = one.run()
    assert not said_again(one.process) and not said_again(process), process.story()
    created = [record for record in one.records if record["data"]["id"] == 1005]
    assert [meta(record)["op"] for record in created] == ["c"] and {"big", "body"} <= set(body(created[0]))


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("change", ["RENAME big TO large", "DROP body"])
def test_a_change_of_what_is_to_be_looked_up_has_the_table_read_again(database, begin, change, running):
    one = begin(tail=running, advanced=SOON)
    one.unreported["t"] = [database.position()]
    database.transaction(move("int"), f"ALTER TABLE t {change}")
    if running:
        wait_until_again(one.process)
        one.keep(one.process.stop())
        one.tail = False
    process = one.run()
    assert said_again(one.process if running else process), process.story()
    assert_lives(one, {"t": ["id"]}, {"t": 2})
