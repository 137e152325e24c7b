"""Generated columns that the publication publishes (PostgreSQL 18 and later): stored ones alone, in discovery, the rows'
backfill and their changes alike."""

import pytest

from connector import PATIENCE, run
from refusal import assert_refused

pytestmark = pytest.mark.since(18)

T = ("CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED,"
     " v int GENERATED ALWAYS AS (a * 3) VIRTUAL)", "INSERT INTO t SELECT n, n FROM generate_series(1, 50) n")
CHANGES = ("INSERT INTO t VALUES (100, 1)", "UPDATE t SET a = a + 1 WHERE id < 20", "DELETE FROM t WHERE id = 3",
           "UPDATE t SET id = -id, a = 7 WHERE id = 5")


def publish(database, tables="ALL TABLES", columns="stored"):
    database.execute(f"CREATE TABLE IF NOT EXISTS {database.watermarks} (slot text PRIMARY KEY, watermark text)",
                     f"CREATE PUBLICATION {database.publication} FOR {tables.format(w=database.watermarks)}"
                     f" WITH (publish_generated_columns = {columns})")


def discovered(one):
    process = run("discover", "--config", one.path("config.json", one.config)).succeed()
    streams = process.of_type("CATALOG")[0]["catalog"]["streams"]
    return {stream["name"]: {name for name in stream["json_schema"]["properties"] if not name.startswith("_")}
            for stream in streams}


def columns_of(records):
    return {tuple(sorted(set(record["data"]) - {"_meta"})) for record in records if record["data"]["_meta"]["op"] != "d"}


@pytest.mark.parametrize("tables, mode, expected", [("ALL TABLES", "stored", "agi"), ("ALL TABLES", "none", "ai"),
                                                    ("TABLES IN SCHEMA public", "stored", "agi"), ("TABLE t (id, g), {w}", "none", "gi"), ("TABLE t (id, a), {w}", "stored", "ai")],
                         ids=["stored", "none", "schema", "listed", "not listed"])
def test_what_is_published_is_captured(database, capture, tables, mode, expected):
    database.execute(*T)
    publish(database, tables, mode)
    one = capture(["t"], advanced={"backfill_chunk_size": 7})
    shown = {name[0] for name in discovered(one)["t"]}
    assert shown == {"a", "i"} | set(expected)  # columns that a list leaves out are shown, as always
    one.run()
    database.execute(*CHANGES)
    one.run()
    assert {"".join(sorted(name[0] for name in names)) for names in columns_of(one.records)} == {expected}
    one.assert_equal(t=["id"])
    assert len(one.records) == 50 + 1 + 18 + 1 + 2 + 1


def test_a_partitioned_table_has_them_by_its_own_columns(database, capture):
    """Those of a partition may have another order."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED) PARTITION BY RANGE (id)",
                     "CREATE TABLE low (g int GENERATED ALWAYS AS (a * 2) STORED, gone int, a int, id int NOT NULL)",
                     "ALTER TABLE low DROP gone", "ALTER TABLE t ATTACH PARTITION low FOR VALUES FROM (-100) TO (10)",
                     "CREATE TABLE high PARTITION OF t FOR VALUES FROM (10) TO (1000)", T[1])
    publish(database, "TABLE t, {w}", "stored, publish_via_partition_root = true")
    one = capture(["t"], advanced={"backfill_chunk_size": 7})
    one.run()
    database.execute(*CHANGES)
    one.run()
    assert columns_of(one.records) == {("a", "g", "id")}
    one.assert_equal(t=["id"])


def test_under_replica_identity_full_the_old_row_has_it(database, capture):
    database.execute(*T[:1], "ALTER TABLE t DROP v", T[1], "ALTER TABLE t REPLICA IDENTITY FULL")
    publish(database)
    one = capture(["t"])
    one.run()
    database.execute(*CHANGES)
    one.run()
    update = next(record["data"] for record in one.records if record["data"]["_meta"]["op"] == "u")
    assert (update["g"], update["_meta"]["before"]["g"]) == (update["a"] * 2, update["a"] * 2 - 2)
    delete = next(record["data"] for record in one.records if record["data"]["_meta"]["op"] == "d")
    assert (delete["id"], delete["a"], delete["g"]) == (3, 4, 8)
    one.assert_equal(t=["id"])


def test_a_key_of_a_generated_column(database, capture):
    """Changes contain it, and rows are read by it."""
    database.execute("CREATE TABLE t (a int NOT NULL, g int GENERATED ALWAYS AS (1000 - a) STORED PRIMARY KEY, n int)",
                     "INSERT INTO t (a, n) SELECT n, n FROM generate_series(1, 50) n")
    publish(database)
    one = capture(["t"], tail=True, advanced={"backfill_chunk_size": 7})
    process = one.start().wait_for_active()
    database.execute("UPDATE t SET a = 500 WHERE a = 7", "UPDATE t SET n = 0 WHERE a < 5", "DELETE FROM t WHERE a = 9")
    process.wait_for_state(after=50 + 2 + 4 + 1)
    one.keep(process.stop())
    one.assert_equal(t=["g"])
    assert list(one.state[0]["global"]["stream_states"][0]["stream_state"]["key_columns"]) == ["g"]
    assert [record["data"]["g"] for record in one.records if record["data"]["_meta"]["op"] == "d"] == [993, 991]


@pytest.mark.parametrize("when", ["running", "between runs"])
def test_it_is_noticed_when_that_is_switched(database, capture, when):
    database.execute(*T)
    publish(database, columns="none")
    one = capture(["t"], tail=True, advanced={"check_interval": "1s"})
    process = one.start().wait_for_active()
    for mode, value, names in (("stored", 1000, ("a", "g", "id")), ("none", 2000, ("a", "id"))):
        if when != "running":
            process.wait_for_state(after=process.record_count)
            one.keep(process.stop())
        database.execute(f"ALTER PUBLICATION {database.publication} SET (publish_generated_columns = {mode})",
                         f"UPDATE t SET a = {value} WHERE id = 1")
        if when != "running":
            process = one.start()
        process.wait_for(lambda run: len([record for record in run.records[-50:] if record["data"]["_meta"]["source"].get("snapshot")
                                          and tuple(sorted(set(record["data"]) - {"_meta"})) == names]) == 50)
        process.wait_for(lambda run: run.modes() and set(run.modes().values()) == {"Active"})
        assert "was altered in what it publishes" in process.stderr
    database.execute("UPDATE t SET a = 5 WHERE id = 2")
    process.wait_for(lambda run: run.records[-1]["data"]["_meta"]["op"] == "u" and run.records[-1]["data"]["id"] == 2)
    process.wait_for_state(after=process.record_count)
    one.keep(process.stop())
    assert "g" not in one.records[-1]["data"]
    one.materialised({"t": ["id"]}, lives={"t": 3}).assert_equal(database)


@pytest.mark.parametrize("change", ["ALTER TABLE t ALTER g SET EXPRESSION AS (a * 5)",
                                    "ALTER TABLE t ADD h int GENERATED ALWAYS AS (a * 7) STORED"], ids=["changed", "added"])
def test_values_that_no_change_contains_are_read_again(database, capture, change):
    database.execute(*T)
    publish(database)
    one = capture(["t"])
    one.run()
    database.execute(change)
    one.run()
    one.materialised({"t": ["id"]}, lives={"t": 2}).assert_equal(database)


@pytest.mark.parametrize("table", ["CREATE TABLE u (id int, g int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY)",
                                   "CREATE TABLE u (id int, g int GENERATED ALWAYS AS (id * 2) STORED);"
                                   "ALTER TABLE u REPLICA IDENTITY FULL",
                                   "CREATE TABLE u (id int, g int GENERATED ALWAYS AS (id * 2) VIRTUAL);"
                                   "ALTER TABLE u REPLICA IDENTITY FULL"], ids=["key", "full", "virtual"])
def test_no_update_is_made_to_fail(database, capture, table):
    """UPDATEs of a table whose replica identity has an unpublished column, once the table is published."""
    database.execute(table, "INSERT INTO u (id) VALUES (1)")
    one = capture(["u"])
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "replica identity of table", '(g)', "publish_generated_columns = stored")
    publish(database, "TABLE {w}")
    if "VIRTUAL" in table:
        assert_refused(one.start().finish(20 * PATIENCE), "config_error", "does not publish (g)", "without them")
        database.execute("ALTER TABLE u DROP g")
    one.run()
    database.execute("UPDATE u SET id = id + 1")
    one.run()
    assert one.records[-1]["data"]["id"] == 2
