"""REPLICA IDENTITY variants, changed keys, and TOAST values that an update left alone."""

import pytest

from capture import stream
from refusal import assert_refused
from writer import Writer

# Long enough for out-of-line storage, and incompressible enough not to be squeezed in line.
LONG = "(SELECT string_agg(md5((m * 1000 + {seed})::text), '') FROM generate_series(1, 200) m)"


def body(record):
    return {name: value for name, value in record["data"].items() if name != "_meta"}


def meta(record):
    return record["data"]["_meta"]


@pytest.fixture(name="live")
def live_capture(database, capture):
    """live(identity, *changes): the records of changes to a captured table with rows 1 and 2."""

    def run(identity, *changes):
        database.execute("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, name text, big text)",
                         f"ALTER TABLE t REPLICA IDENTITY {identity}", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                         f"INSERT INTO t SELECT n, n * 10, 'n' || n, {LONG.format(seed='n')}"
                         " FROM generate_series(1, 2) n")
        own = capture(["t"])
        own.run()
        before = len(own.records)
        assert before == 2
        database.execute(*changes)
        own.run()
        return own, own.records[before:]

    return run


def test_default_identity_deletes_with_the_key_alone(live):
    own, records = live("DEFAULT", "DELETE FROM t WHERE id = 1")
    assert [body(record) for record in records] == [{"id": 1}]
    assert "before" not in meta(records[0])
    own.assert_equal(t=["id"])


def test_full_identity_deletes_with_the_whole_row(live):
    own, records = live("FULL", "DELETE FROM t WHERE id = 1")
    assert body(records[0])["name"] == "n1" and len(body(records[0])["big"]) == 6400
    own.assert_equal(t=["id"])


def test_full_identity_updates_with_the_row_before(live):
    own, records = live("FULL", "UPDATE t SET name = 'new' WHERE id = 1")
    assert meta(records[0])["op"] == "u"
    assert meta(records[0])["before"]["name"] == "n1" and body(records[0])["name"] == "new"
    own.assert_equal(t=["id"])


def test_default_identity_updates_without_the_row_before(live):
    _, records = live("DEFAULT", "UPDATE t SET name = 'new' WHERE id = 1")
    assert [meta(record)["op"] for record in records] == ["u"] and "before" not in meta(records[0])


def test_unchanged_toast_is_absent_under_default_identity(live):
    own, records = live("DEFAULT", "UPDATE t SET name = 'new' WHERE id = 1")
    assert body(records[0]) == {"id": 1, "code": 10, "name": "new"}
    own.assert_equal(t=["id"])


def test_unchanged_toast_is_filled_in_under_full_identity(live):
    own, records = live("FULL", "UPDATE t SET name = 'new' WHERE id = 1")
    assert len(body(records[0])["big"]) == 6400
    own.assert_equal(t=["id"])


def test_changed_toast_is_there(live):
    own, records = live("DEFAULT", f"UPDATE t SET big = {LONG.format(seed=77)} WHERE id = 1",
                        "UPDATE t SET big = NULL WHERE id = 2")
    assert len(body(records[0])["big"]) == 6400 and body(records[1])["big"] is None
    own.assert_equal(t=["id"])


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_changed_key_is_a_delete_and_a_create(live, identity):
    own, records = live(identity, "UPDATE t SET id = 5 WHERE id = 1")
    assert [(meta(record)["op"], record["data"]["id"]) for record in records] == [("d", 1), ("c", 5)]
    own.assert_equal(t=["id"])


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_keys_that_swap_and_shift(live, identity):
    own, records = live(identity, "UPDATE t SET id = id + 100, big = 'small'", "UPDATE t SET id = 101 WHERE id = 1",
                        "UPDATE t SET id = 1 WHERE id = 101", "DELETE FROM t WHERE id = 102",
                        "INSERT INTO t VALUES (102, 99, 'again', 'x')", "UPDATE t SET id = 2 WHERE id = 102")
    own.assert_equal(t=["id"])
    assert len(records) == 4 + 2 + 1 + 1 + 2


def test_identity_using_another_index_than_the_key_is_refused(database, capture):
    """Changes would not identify their row; the message says what to do."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, name text)",
                     "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code_key")
    assert_refused(capture(["t"]).start().finish(), "config_error", "public.t", "id", "REPLICA IDENTITY")


def test_identity_index_as_overriding_key(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, name text)",
                     "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code_key",
                     "INSERT INTO t SELECT n, 1000 - n, 'n' FROM generate_series(1, 100) n")
    own = capture([stream("t", key=["code"])], advanced={"backfill_chunk_size": 7})
    own.run()
    database.execute("UPDATE t SET code = code + 5000 WHERE id < 20", "DELETE FROM t WHERE id > 90")
    own.run()
    own.assert_equal(t=["code"])


def test_an_identity_that_ceases_to_hold_the_key_is_an_error(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, name text)", "INSERT INTO t VALUES (1, 10, 'a')")
    own = capture(["t"], tail=True)
    process = own.start().wait_for_active()
    database.execute("ALTER TABLE t REPLICA IDENTITY USING INDEX t_code_key", "UPDATE t SET name = 'known' WHERE id = 1")
    process.finish()
    message = process.errors[0]["message"]
    assert "public.t" in message and '"id" is not part of the table\'s replica identity' in message, process.story()
    database.execute("ALTER TABLE t REPLICA IDENTITY FULL")
    own.tail = False
    own.run()
    assert own.records[-1]["data"]["name"] == "known"


def test_identity_nothing_still_captures_inserts(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, name text)", "ALTER TABLE t REPLICA IDENTITY NOTHING",
                     "INSERT INTO t VALUES (1, 'a')", database.publish_all)
    own = capture(["t"])
    own.run()
    database.execute("INSERT INTO t VALUES (2, 'b')")
    own.run()
    own.assert_equal(t=["id"])


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_toast_is_whole_when_updates_run_beside_the_backfill(database, capture, identity):
    """Rows that are updated while their chunk waits keep the value that the update left alone."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int, big text)",
                     f"ALTER TABLE t REPLICA IDENTITY {identity}", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     f"INSERT INTO t SELECT n, 0, {LONG.format(seed='n')} FROM generate_series(1, 1000) n")
    own = capture(["t"], advanced={"backfill_chunk_size": 50})
    with Writer(database, lambda random: [f"UPDATE t SET n = n + 1 WHERE id = {random.randint(1, 1000)}"
                                          for _ in range(5)]):
        own.run()
    own.run()
    assert all("big" in record["data"] for record in own.records if meta(record)["op"] == "c")
    own.assert_equal(t=["id"])
