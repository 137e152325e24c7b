"""What discovery shows to a platform that captures all that is shown."""

import pytest

from flow import Process, ended

KEYED = "CREATE TABLE {} (id int PRIMARY KEY, v text)"


def discover(database, **options):
    process = Process()
    found = process.ask({"discover": {"config": database.config(**options)}})["bindings"]
    assert ended(process) == 0
    return {one["resourceConfig"]["namespace"] + "." + one["resourceConfig"]["stream"]: one for one in found}


def test_only_what_is_published(database):
    database.execute(KEYED.format("a"), KEYED.format("b"), "CREATE TABLE bare (x int)", "CREATE TABLE pair (x int)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE a, pair")
    assert set(discover(database)) == {"public.a", "public.pair"}
    for options in ({"advanced": {"discover_unpublished_tables": True}}, {"discoveryFilters": {"discover_unpublished_tables": True}}):
        assert set(discover(database, **options)) == {"public.a", "public.b", "public.pair"}  # bare's UPDATE would fail
    database.execute(f"DROP PUBLICATION {database.publication}", f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert set(discover(database)) == {"public.a", "public.b", "public.bare", "public.pair"}  # it does already


def test_without_a_publication_what_can_be_published_without_harm(database):
    database.execute(KEYED.format("a"), "CREATE TABLE bare (x int)", "CREATE TABLE whole (x int)",
                     "ALTER TABLE whole REPLICA IDENTITY FULL")
    assert set(discover(database)) == {"public.a", "public.whole"}


@pytest.mark.since(13)
def test_partitions_as_they_are_published(database):
    tree = [KEYED.format("root") + " PARTITION BY RANGE (id)", "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9)",
            "CREATE TABLE loose (id int) PARTITION BY RANGE (id)", "CREATE TABLE loose1 PARTITION OF loose FOR VALUES FROM (0) TO (9)",
            "ALTER TABLE loose REPLICA IDENTITY FULL"]
    database.execute(*tree)
    assert set(discover(database)) == {"public.root"}  # loose's leaf has no identity of its own
    database.execute("ALTER TABLE loose1 REPLICA IDENTITY FULL")
    assert set(discover(database)) == {"public.root", "public.loose"}
    assert set(discover(database, advanced={"capture_as_partitions": True})) == {"public.leaf", "public.loose1"}
    database.execute(f"CREATE PUBLICATION {database.publication} FOR TABLE root")
    assert set(discover(database)) == {"public.leaf"}
    unpublished = {"advanced": {"discover_unpublished_tables": True}}
    assert set(discover(database, **unpublished)) == {"public.leaf", "public.loose1"}
    database.execute(f"ALTER PUBLICATION {database.publication} SET (publish_via_partition_root)")
    assert set(discover(database)) == {"public.root"}
    assert set(discover(database, **unpublished)) == {"public.root", "public.loose"}
    database.execute(f"ALTER PUBLICATION {database.publication} SET TABLE leaf")
    assert set(discover(database, **unpublished)) == {"public.leaf", "public.loose"}  # by root it would have another name


def test_flows_own_tables_are_never_shown(database):
    database.execute(KEYED.format("a"), KEYED.format("flow_checkpoints_v1"), KEYED.format("flow_materializations_v2"),
                     "CREATE TABLE landed (id int PRIMARY KEY, flow_published_at timestamptz)",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert set(discover(database)) == {"public.a"}


def test_filters(database):
    for schema in ("sales", "sales_old", "audit"):
        database.execute(f"CREATE SCHEMA {schema}", KEYED.format(f"{schema}.order_a"), KEYED.format(f"{schema}.order1"))

    def names(**filters):
        return set(discover(database, discoveryFilters=filters))

    assert len(names()) == 6
    assert names(include_schemas=["sales", "audit"], exclude_schemas=["audit"]) == {"sales.order_a", "sales.order1"}
    assert names(table_patterns=["order_*"]) == {"sales.order_a", "sales_old.order_a", "audit.order_a"}
    assert names(table_patterns=["sales?old.*", "audit.order?"]) == {"sales_old.order_a", "sales_old.order1", "audit.order1"}
    assert names(table_patterns=["rder_a", "sale.*", "ORDER1", "%"]) == set()


def test_a_key_that_is_not_the_primary_key_is_a_fallback(database):
    database.execute(KEYED.format("a"), "CREATE TABLE second (x int NOT NULL UNIQUE)", "ALTER TABLE second REPLICA IDENTITY FULL",
                     "CREATE TABLE bare (x int)", "ALTER TABLE bare REPLICA IDENTITY FULL", "CREATE TABLE wide (x float PRIMARY KEY)")
    found = discover(database)
    assert "isFallbackKey" not in found["public.a"]
    assert found["public.second"]["key"] == ["/x"] and found["public.second"]["isFallbackKey"] is True
    assert found["public.bare"]["isFallbackKey"] is True and found["public.wide"]["isFallbackKey"] is True


def test_schemas_say_where_values_come_from(database):
    database.execute("CREATE TYPE mood AS ENUM ('sad', 'so')",
                     "CREATE TABLE t (id int PRIMARY KEY, m mood, j jsonb, at time, name varchar(10) NOT NULL, tags text[])",
                     "COMMENT ON COLUMN t.m IS 'how it is'")
    (row,) = discover(database)["public.t"]["documentSchema"]["$defs"].values()
    assert row["properties"] == {
        "id": {"type": "integer", "description": "(source type: non-nullable integer)"},
        "m": {"type": ["string", "null"], "description": "how it is (source type: public.mood)"},
        "j": {"contentMediaType": "application/json", "description": "(source type: jsonb)"},
        "at": {"type": ["string", "null"], "description": "(source type: time without time zone)"},
        "name": {"type": "string", "maxLength": 10, "description": "(source type: non-nullable character varying(10))"},
        "tags": {"type": ["array", "null"], "items": {"type": ["string", "array", "null"]}, "description": "(source type: text[])"}}
