"""Names that SQL, JSON and shells would trip over."""

import pytest

from capture import stream
from connector import run
from database import quoted

UGLY = ["Order Lines", 'say "hi"', "semi;colon", "per.cent%s", "back\\slash", "slash/tilde~", "öäü 表 🐘", "it's",
        "select", "x" * 63, "new\nline", "tab\tbed", " lead and trail "]


@pytest.fixture(name="ugly")
def tables_with_ugly_names(database):
    database.execute(f"CREATE SCHEMA {quoted('My. Schema')}")
    for name in UGLY:
        table = f"{quoted('My. Schema')}.{quoted(name)}"
        database.execute(f"CREATE TABLE {table} ({quoted(name)} int PRIMARY KEY, {quoted('a ' + name[:50])} text)",
                         f"INSERT INTO {table} SELECT n, 'v' || n FROM generate_series(1, 7) n")
    return database


def test_ugly_names_of_schemas_tables_and_columns(ugly, capture):
    both = capture([stream(name, "My. Schema") for name in UGLY], advanced={"backfill_chunk_size": 3})
    both.run()
    for name in UGLY:
        table = f"{quoted('My. Schema')}.{quoted(name)}"
        ugly.execute(f"UPDATE {table} SET {quoted('a ' + name[:50])} = 'new' WHERE {quoted(name)} < 3",
                     f"DELETE FROM {table} WHERE {quoted(name)} = 7")
    both.run()
    both.materialised({("My. Schema", name): [name] for name in UGLY}).assert_equal(ugly)
    assert len(both.records) == len(UGLY) * 10


def test_discovery_shows_ugly_names(ugly, capture):
    config = capture([]).path("config.json", ugly.config())
    catalog = run("discover", "--config", config).succeed().of_type("CATALOG")[0]["catalog"]["streams"]
    assert {one["name"] for one in catalog if one["namespace"] == "My. Schema"} == set(UGLY)


def test_tables_that_differ_only_by_case(database, capture):
    for name in ("case", "Case", "CASE"):
        database.execute(f'CREATE TABLE "{name}" ("Id" int PRIMARY KEY, "iD" int)',
                         f'INSERT INTO "{name}" VALUES (1, {len(name)}), (2, {ord(name[1])})')
    both = capture(["case", "Case", "CASE"])
    both.run()
    database.execute('UPDATE "Case" SET "iD" = 0', 'DELETE FROM "CASE"')
    both.run()
    both.assert_equal(**{name: ["Id"] for name in ("case", "Case", "CASE")})


def test_ugly_names_of_publication_and_watermarks_table(database, capture):
    database.execute('CREATE SCHEMA "Water Marks"', "CREATE TABLE items (id int PRIMARY KEY)",
                     "INSERT INTO items VALUES (1)")
    one = capture(["items"], publication_name='The "Publication"', watermarks_table="Water Marks.It's")
    one.run()
    database.execute("INSERT INTO items VALUES (2)")
    one.run()
    one.assert_equal(items=["id"])
    assert database.value("SELECT count(*) FROM \"Water Marks\".\"It's\"") >= 1
