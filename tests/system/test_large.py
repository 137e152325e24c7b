"""Rows that are larger than what the server can send: the error says where they are, and how to continue."""

import re

import pytest

from refusal import assert_refused

LARGE = "convert_to(repeat('x', {} * 1024 * 1024), 'UTF8')"
TOO_LARGE = "larger than the server can send"


def remedy(process, end):
    """The statement in a message that ends so, with the columns of t that are small."""
    statement = re.search(f"(ALTER PUBLICATION [^;]*?|SELECT pg_drop[^;]*?)(?<={end})", process.errors[0]["message"])[1]
    return statement.replace("schema.table (columns), …", "t (id)")


@pytest.fixture(name="one")
def one_capture(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a bytea, b bytea)", "INSERT INTO t VALUES (1), (22), (333)")
    return capture(["t"])


@pytest.mark.long
@pytest.mark.since(15)
def test_a_row_is_named_by_the_key_before_it(database, one):
    database.execute(*[f"UPDATE t SET {column} = {LARGE.format(520)} WHERE id = 333" for column in "ab"])
    process = one.start().finish()
    message = process.errors[0]["message"]
    assert process.errors[0]["failure_type"] == "config_error" and TOO_LARGE in message
    assert "reading table public.t after the row with the key (22): " in message and "pg_drop" not in message
    one.keep(process)
    database.execute(remedy(process, '_of_the_test"'))
    one.run()
    assert [record["data"]["id"] for record in one.records][-3:] == [1, 22, 333]


@pytest.mark.long
@pytest.mark.since(15)
def test_a_change_that_stays_in_the_wal(database, one):
    one.run()
    database.execute(f"UPDATE t SET a = {LARGE.format(540)} WHERE id = 333")
    for _ in range(2):  # the column list alone does not help: it was not there when the change was written
        process = one.start().finish()
        assert_refused(process, "config_error", TOO_LARGE, "without a state")
        database.execute(remedy(process, '_of_the_test"'))
    database.execute(remedy(process, r"'\)"))
    one.state, one.records = None, []
    one.run()
    assert [record["data"] for record in one.records if record["data"].pop("_meta")] == [{"id": 1}, {"id": 22}, {"id": 333}]
