"""Changes of a table that the stream does not report, and a capture of such a table."""

import pytest

from again import SOON, assert_lives, said_again, warnings

ROWS = 40
LOOK_S = 1
LOOKS_S = 3.5 * LOOK_S  # several looks
TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)",)
PARTITIONED = ("CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
               "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (20)",
               "CREATE TABLE high PARTITION OF t FOR VALUES FROM (20) TO (1000)")
STANDALONE = ("CREATE TABLE more (id int PRIMARY KEY, a text)", "INSERT INTO more SELECT n, 'more' FROM generate_series(1001, 1099) n")
LARGE = ("CREATE TABLE more (id int PRIMARY KEY, a text, n int)", "ALTER TABLE more ALTER a SET STORAGE EXTERNAL",
         "INSERT INTO more SELECT n, repeat('large', 1000), n FROM generate_series(1001, 1010) n")
FOR_ALL = "CREATE PUBLICATION {publication} FOR ALL TABLES"
VIA_ROOT = FOR_ALL + " WITH (publish_via_partition_root = true)"
NAMED = "CREATE PUBLICATION {publication} FOR TABLE t, other, {watermarks}"
RECREATED = ("BEGIN; DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a text);"
             " INSERT INTO t SELECT n, 'new' FROM generate_series(5, 60) n; COMMIT")
# name: the table, the publication, and the statements that the stream does not report. Row 30 and row 31 stay.
EVENTS = {
    "publish_operations": (TABLE, FOR_ALL, (
        "ALTER PUBLICATION {publication} SET (publish = 'insert')", "UPDATE t SET a = 'unseen' WHERE id = 1",
        "DELETE FROM t WHERE id = 2", "ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate')")),
    "unlogged_and_logged": (TABLE, FOR_ALL, (
        "ALTER TABLE t SET UNLOGGED", "INSERT INTO t SELECT n, 'unseen' FROM generate_series(101, 111) n",
        "DELETE FROM t WHERE id = 1", "ALTER TABLE t SET LOGGED")),
    "rewritten_by_using": (TABLE, FOR_ALL, ("ALTER TABLE t ALTER a TYPE text USING a || '!'",)),
    "rewritten_for_a_volatile_default": (TABLE, FOR_ALL, ("ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()",)),
    "recreated": (TABLE, FOR_ALL, (RECREATED,)),
    "replaced_by_renaming": (TABLE, FOR_ALL, (
        "CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(5, 60) n",
        "BEGIN; ALTER TABLE t RENAME TO old; ALTER TABLE u RENAME TO t; COMMIT")),
    "renamed_and_back": (TABLE, FOR_ALL, (
        "BEGIN; ALTER TABLE t RENAME TO x; UPDATE x SET a = 'unseen' WHERE id = 1; DELETE FROM x WHERE id = 2; ALTER TABLE x RENAME TO t; COMMIT",)),
    "in_another_schema_and_back": (TABLE + ("CREATE SCHEMA aside",), FOR_ALL, (
        "ALTER TABLE t SET SCHEMA aside", "UPDATE aside.t SET a = 'unseen' WHERE id = 1", "ALTER TABLE aside.t SET SCHEMA public")),
    "left_the_published_schema": (TABLE + ("CREATE SCHEMA aside",), "CREATE PUBLICATION {publication} FOR TABLES IN SCHEMA public", (
        "ALTER TABLE t SET SCHEMA aside", "UPDATE aside.t SET a = 'unseen' WHERE id = 1", "DELETE FROM aside.t WHERE id = 2",
        "ALTER TABLE aside.t SET SCHEMA public")),
    "left_the_publication": (TABLE, NAMED, (
        "ALTER PUBLICATION {publication} DROP TABLE t", "INSERT INTO t VALUES (101, 'unseen')", "DELETE FROM t WHERE id = 1",
        "ALTER PUBLICATION {publication} ADD TABLE t")),
    "partition_attached": (PARTITIONED + STANDALONE, VIA_ROOT, (
        "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000)",)),
    "partition_attached_and_updated": ((*PARTITIONED, "ALTER TABLE t ADD n int", *LARGE), VIA_ROOT, (
        "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000)", "UPDATE t SET n = 0 WHERE id > 1000")),
    "partition_truncated_and_detached": (PARTITIONED, VIA_ROOT, ("TRUNCATE low", "ALTER TABLE t DETACH PARTITION low")),
    "partition_filled_behind_a_savepoint": (PARTITIONED, VIA_ROOT, (
        f"BEGIN; {STANDALONE[0]}; SAVEPOINT s; {STANDALONE[1]}; RELEASE s;"
        " ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000); COMMIT",)),
    "partition_attached_and_detached": (PARTITIONED + STANDALONE, VIA_ROOT, (
        "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000)", "UPDATE t SET a = 'was not there' WHERE id = 1001",
        "DELETE FROM t WHERE id = 1002", "ALTER TABLE t DETACH PARTITION more")),
    "partition_detached": (PARTITIONED, VIA_ROOT, ("ALTER TABLE t DETACH PARTITION low",)),
    "leaf_truncated": (PARTITIONED, VIA_ROOT, ("TRUNCATE low", "INSERT INTO t VALUES (7, 'after')")),
    "leaf_emptied": (PARTITIONED, VIA_ROOT, ("TRUNCATE low",)),
    "leaf_truncated_while_detached": (PARTITIONED, VIA_ROOT, (
        "BEGIN; ALTER TABLE t DETACH PARTITION low; TRUNCATE low; ALTER TABLE t ATTACH PARTITION low FOR VALUES FROM (0) TO (20); COMMIT",)),
    "leaf_rewritten": (PARTITIONED, VIA_ROOT, (
        "ALTER TABLE t DETACH PARTITION low", "UPDATE low SET a = 'unseen'",
        "ALTER TABLE t ATTACH PARTITION low FOR VALUES FROM (0) TO (20)")),
    "via_root": (PARTITIONED, VIA_ROOT, (
        "ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)", "INSERT INTO t VALUES (101, 'unseen')",
        "DELETE FROM t WHERE id = 1", "ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)")),
}
TOLD_BY_CHANGES = "partition_attached_and_detached"  # two transactions: the catalogs have no trace of it any more
OF_THE_PUBLICATION = ("publish_operations", "via_root")  # of all its tables, and two changes: there, and back


def beginner(database, capture):
    """begin(event, option=...): a capture of the event's table and of another one, and what makes the event happen."""

    def begin(event, table=None, **options):
        definition, publication, statements = EVENTS[event] if isinstance(event, str) else event
        if definition[0].endswith("PARTITION BY RANGE (id)") and database.connection.server_version < 130000:
            pytest.skip("new in PostgreSQL 13")
        if "IN SCHEMA" in publication and database.connection.server_version < 150000:
            pytest.skip("new in PostgreSQL 15")
        execute(database, *(table or definition), "CREATE TABLE other (id int PRIMARY KEY)",
                f"INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, {ROWS}) n", "INSERT INTO other VALUES (1)",
                "CREATE TABLE IF NOT EXISTS {watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)", publication)
        one = capture(["t", "other"], advanced={**SOON, **options})

        def happen():
            one.unreported["t"] = [database.position()]
            execute(database, *statements)

        return one, happen

    return begin


def execute(database, *statements):
    names = {"publication": database.publication, "watermarks": database.watermarks}
    database.execute(*[statement.format(**names) for statement in statements])


KEYS = {"t": ["id"], "other": ["id"]}


def assert_again(one, event):
    """The table was backfilled again, once for each change; the other one only if that can have been of it, too."""
    if event not in OF_THE_PUBLICATION:
        assert_lives(one, KEYS, {"t": 2})
        return
    one.unreported["other"] = one.unreported["t"]
    result = one.materialised(KEYS, {"t": 3, "other": 3})
    result.assert_equal(one.database)
    assert result.oracles["public", "t"].life > 1, "public.t was not backfilled again"


def assert_said(event, *processes):
    """How often each table is backfilled again, by name."""
    times = sum(len(said_again(process)) for process in processes)
    story = "".join(process.story() for process in processes)
    assert times in ((1, 2) if event in OF_THE_PUBLICATION else (1,)), f"said {times} times that public.t is backfilled again\n{story}"
    assert event in OF_THE_PUBLICATION or not any(said_again(process, "public.other") for process in processes), story


def assert_nothing_more(one):
    """A change that was noticed once is not noticed again."""
    one.tail = False
    process = one.run()
    assert not process.records and not warnings(process), process.story()
