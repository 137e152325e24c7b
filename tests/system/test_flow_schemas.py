"""Schemas that are sent while a capture runs: of the tables as they are now."""

from test_resume import ITEMS, fill


def properties(process):
    return [{name: one for name, one in message["documentSchema"]["properties"].items() if name != "_meta"}
            for message in process.of_kind("sourcedSchema")]


def test_columns_that_come_go_and_change(database, flow):
    database.execute(ITEMS, fill(10))
    process = flow(["items"]).start().wait_for_quiet(10)
    database.execute("ALTER TABLE items ADD extra varchar(7)", "UPDATE items SET extra = 'x' WHERE id = 1")
    process.wait_for_quiet(11)
    database.execute("ALTER TABLE items ALTER n TYPE text", "UPDATE items SET n = 'many' WHERE id = 1")
    process.wait_for_quiet(12)
    database.execute("ALTER TABLE items DROP extra, ALTER name SET NOT NULL", "UPDATE items SET n = 'few' WHERE id = 1")
    process.wait_for_quiet(13)
    database.execute("ALTER TABLE items REPLICA IDENTITY FULL", "UPDATE items SET n = 'none' WHERE id = 1")  # says nothing new
    process.wait_for_quiet(14).stop()
    first, extra, text, last = properties(process)
    assert extra == {**first, "extra": {"type": "string", "maxLength": 7}}
    assert text == {**extra, "n": {"type": "string"}}
    assert last == {name: one for name, one in text.items() if name != "extra"}
    kinds = [next(iter(message)) for message in process.messages]
    for number_of_schema in range(1, 4):
        at = [index for index, kind in enumerate(kinds) if kind == "sourcedSchema"][number_of_schema]
        assert kinds[at + 1] == "captured"
    assert all(set(one["documentSchema"]["required"]) == {"_meta", "id"} for one in process.of_kind("sourcedSchema"))


def test_nothing_is_said_twice(database, flow):
    """Chunks and the stream have shapes of their own, and know domains in different ways."""
    database.execute("CREATE DOMAIN code AS varchar(5)", "CREATE TYPE mood AS ENUM ('a')",
                     "CREATE TABLE items (id int PRIMARY KEY, c code, m mood, l text[], j json, x varchar(9), _meta int)",
                     "INSERT INTO items SELECT n, 'c', 'a', '{}', '1', 'x' FROM generate_series(1, 3000) n")
    process = flow(["items"], advanced={"backfill_chunk_size": 100, "backfill_workers": 3}).start().wait_for_docs(1)
    database.execute("UPDATE items SET c = 'd'")
    process.wait_for_active().stop()
    (only,) = properties(process)
    assert only["c"]["maxLength"] == 5


def test_a_change_amid_the_backfill(database, flow):
    database.execute(ITEMS, fill(5000))
    process = flow(["items"], advanced={"backfill_chunk_size": 100}).start().wait_for_docs(500)
    database.execute("ALTER TABLE items ADD extra int", "UPDATE items SET extra = id")
    process.wait_for_active().stop()
    assert "extra" in properties(process)[-1]


def test_a_flag_leaves_them_out(database, flow):
    database.execute(ITEMS)
    process = flow(["items"], advanced={"feature_flags": "no_emit_sourced_schemas"}).run()
    assert not process.of_kind("sourcedSchema")
