"""A table that was published while a transaction was writing to it: its later changes come, too. Servers older than 13.21, 14.18,
15.13, 16.9 and 17.5 do not send them in the session that sends that transaction."""

from contextlib import closing

import pytest

from again import SOON
from capture import stream
from test_join import is_active, look_again

KEYED, KEYLESS = "(id int PRIMARY KEY)", "(id int)"


@pytest.fixture(name="one")
def capture_of_another(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)",
                     f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, {database.watermarks}")
    one = capture(["t"], tail=True, advanced=SOON)
    one.keep(one.start().wait_for_active().stop())
    return one


def forgets(database):
    version = database.connection.server_version
    return version < {13: 130021, 14: 140018, 15: 150013, 16: 160009, 17: 170005}.get(version // 10000, 0)


def make(database, tables):
    for name, columns in tables.items():
        database.execute(f"CREATE TABLE {name} {columns}", f"ALTER TABLE {name} REPLICA IDENTITY FULL", f"INSERT INTO {name} VALUES (1)")


def publish(database, tables):
    """By another user, as it were."""
    database.execute(f"ALTER PUBLICATION {database.publication} ADD TABLE {', '.join(tables)}")


def ids(process, name):
    return [record["data"]["id"] for record in process.records_of(name)]


def assert_later_changes_come(one, process, tables):
    process.wait_for(lambda run: all(is_active(run, name) for name in tables))
    for name in tables:
        one.database.execute(f"INSERT INTO {name} VALUES (3)")
    process.wait_for(lambda run: all(3 in ids(run, name) for name in tables))
    one.keep(process.stop())
    one.tail = False
    one.run()
    for name in tables:
        assert sorted(ids(process, name)) == [1, 2, 3], process.story()
    assert "interrupted" not in process.stderr


@pytest.mark.parametrize("tables", [{"u": KEYED}, {"u": KEYLESS}, {"u": KEYED, "v": KEYED, "w": KEYLESS}])
@pytest.mark.parametrize("ends_before", [True, False])
def test_it_is_captured_from_the_next_start_on(one, database, tables, ends_before):
    if KEYLESS in tables.values() and forgets(database):
        pytest.skip("that is not noticed: docs/tables.md")
    make(database, tables)
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; " + "; ".join(f"INSERT INTO {name} VALUES (2)" for name in tables))
        publish(database, tables)
        if ends_before:
            cursor.execute("COMMIT")
        one.streams += [stream(name) for name in tables]
        process = one.start()
        if not ends_before:
            database.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%' AND"
                              " datname = current_database() AND query LIKE '%pg_locks%'")
            cursor.execute("COMMIT")
    assert_later_changes_come(one, process, tables)


@pytest.mark.parametrize("columns", [KEYED, KEYLESS])
def test_it_joins_a_capture_that_runs(one, database, columns):
    make(database, {"u": columns})
    one.process = one.start().wait_for_active()
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO u VALUES (2)")
        one.streams.append(stream("u"))
        look_again(one)
        database.wait_for("SELECT count(*) = 3 FROM pg_publication_rel")
        cursor.execute("COMMIT")
    assert_later_changes_come(one, one.process, ["u"])


def test_small_tables_begin_together(one, database):
    """One session is enough for all of them."""
    tables = {f"u{n}": KEYED for n in range(30)}
    make(database, tables)
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; " + "; ".join(f"INSERT INTO {name} VALUES (2)" for name in tables))
        publish(database, tables)
        cursor.execute("COMMIT")
    one.streams += [stream(name) for name in tables]
    process = one.start(LOG_LEVEL="debug")
    assert_later_changes_come(one, process, tables)
    assert process.stderr.count("replication begins again") <= 2, process.story()
