"""What a publication publishes, as the connector reads it from the catalogs (src/pg/published.c), and as the server says it."""

import os
import re

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

TABLES = ("CREATE SCHEMA a", "CREATE SCHEMA b",
          "CREATE TABLE a.plain (id int PRIMARY KEY, v text, w text)", "CREATE TABLE b.plain (id int PRIMARY KEY, v text)",
          "CREATE UNLOGGED TABLE a.unlogged (id int PRIMARY KEY)", "CREATE VIEW a.view AS SELECT 1 AS one",
          "CREATE TABLE a.root (id int, v text) PARTITION BY RANGE (id)",
          "CREATE TABLE a.low PARTITION OF a.root FOR VALUES FROM (0) TO (10)",
          "CREATE TABLE b.high PARTITION OF a.root FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id)",
          "CREATE TABLE b.higher PARTITION OF b.high FOR VALUES FROM (10) TO (15)",
          "CREATE TABLE a.highest PARTITION OF b.high FOR VALUES FROM (15) TO (20)",
          "CREATE UNLOGGED TABLE a.unlogged_leaf PARTITION OF a.root FOR VALUES FROM (20) TO (30)",
          "CREATE FOREIGN DATA WRAPPER nothing", "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
          "CREATE FOREIGN TABLE a.foreign_leaf PARTITION OF a.root FOR VALUES FROM (30) TO (40) SERVER nowhere",
          "CREATE TABLE a.parent (id int PRIMARY KEY)", "CREATE TABLE a.child () INHERITS (a.parent)")

PUBLICATIONS = ["FOR ALL TABLES", "FOR TABLE a.plain", "FOR TABLE a.plain (id, v), b.plain WHERE (id > 3)", "FOR TABLES IN SCHEMA a",
                "FOR TABLES IN SCHEMA b", "FOR TABLES IN SCHEMA a, b", "FOR TABLES IN SCHEMA a, TABLE b.plain", "FOR TABLE a.root",
                "FOR TABLE b.high", "FOR TABLE b.high, a.low", "FOR TABLE a.root, b.higher", "FOR TABLES IN SCHEMA b, TABLE a.root",
                "FOR TABLE a.parent", "FOR TABLE ONLY a.parent", "FOR TABLES IN SCHEMA a, TABLE a.plain WHERE (id > 3)", ""]


def expression():
    """The text that the connector asks with."""
    with open(os.path.join(ROOT, "src", "pg", "published.c"), encoding="utf-8") as file:
        text = file.read()
    literals = text[text.index("read_sql[] ="):text.index("void published_sql")]
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)) % "'p'"


@pytest.mark.since(16)
@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("what", PUBLICATIONS)
def test_it_is_what_the_server_says(database, what, root):
    database.execute(*TABLES, f"CREATE PUBLICATION p {what} WITH (publish_via_partition_root = {root})")
    own = database.query(f"WITH {expression()} SELECT relid::regclass::text, qual::text, attrs::text FROM published ORDER BY 1")
    server = database.query("SELECT relid::regclass::text, qual::text, attrs::text FROM pg_get_publication_tables('p') ORDER BY 1")
    assert [row[:2] for row in own] == [row[:2] for row in server]
    assert all(attrs in (None, told) for (_, _, attrs), (_, _, told) in zip(own, server))


@pytest.mark.since(16)
def test_it_waits_for_no_lock(database):
    database.execute(*TABLES, "CREATE PUBLICATION p FOR ALL TABLES")
    locker = database.connect()
    locker.autocommit = False
    locker.cursor().execute("LOCK TABLE a.plain, a.root IN ACCESS EXCLUSIVE MODE")
    database.execute("SET lock_timeout = '1s'")
    assert database.value(f"WITH {expression()} SELECT count(*) FROM published") > 5
    locker.close()
