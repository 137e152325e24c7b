"""A type that is dropped while changes with its values are still to come: a state remembers what kind of type it was."""

import pytest

TYPES = ("CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN price AS numeric(10, 2)", "CREATE DOMAIN amount AS int",
         "CREATE TYPE pair AS (a int, b text)", "CREATE DOMAIN flags AS bool[]")
COLUMNS = {
    "m": ("mood", "'sad'", "sad"), "ms": ("mood[]", "'{sad,NULL,ok}'", ["sad", None, "ok"]), "d": ("amount", "5", 5),
    "ds": ("amount[]", "'{{1,2},{3,4}}'", [[1, 2], [3, 4]]), "p": ("price", "1.5", "1.50"), "f": ("flags", "'{t,f}'", [True, False]),
    "c": ("pair", "'(1,x)'", "(1,x)"), "cs": ("pair[]", """'{"(1,x)","(2,)"}'""", ["(1,x)", "(2,)"]),
}


@pytest.fixture(name="begin")
def begin_capture(database, capture):
    """begin(rows): a capture of a table with columns of such types, which then are changed and dropped."""

    def begin(rows):
        columns = ", ".join(f"{name} {declared}" for name, (declared, _, _) in COLUMNS.items())
        database.execute(*TYPES, f"CREATE TABLE t (id int PRIMARY KEY, {columns})",
                         f"INSERT INTO t SELECT n, {values()} FROM generate_series(1, {rows}) n")
        return capture(["t"])

    return begin


def values():
    return ", ".join(value for _, value, _ in COLUMNS.values())


def drop(database):
    database.execute(f"INSERT INTO t VALUES (100, {values()})",
                     "ALTER TABLE t " + ", ".join(f"DROP {name}" for name in COLUMNS),
                     "DROP TYPE pair", "DROP DOMAIN price", "DROP DOMAIN amount", "DROP DOMAIN flags", "DROP TYPE mood",
                     "INSERT INTO t VALUES (101)")


def assert_values(record):
    assert {name: record["data"].get(name, "absent") for name in COLUMNS} == {
        name: expected for name, (_, _, expected) in COLUMNS.items()}


@pytest.mark.parametrize("rows", [0, 3])
def test_dropped_between_two_runs(database, begin, rows):
    one = begin(rows)
    one.run()
    for record in one.records:
        assert_values(record)
    drop(database)
    records = one.run().records
    assert [record["data"]["id"] for record in records] == [100, 101]
    assert_values(records[0])
    assert set(records[1]["data"]) == {"id", "_meta"}


def test_dropped_before_a_second_run_after_the_change_of_another_table(database, begin):
    """The next states keep the remembered types."""
    one = begin(3)
    one.run()
    assert not one.run().records
    drop(database)
    assert_values(one.run().records[0])


def test_dropped_while_the_capture_is_behind(database, begin):
    one = begin(0)
    one.tail = True
    process = one.start().wait_for_active()
    database.execute("INSERT INTO t (id) VALUES (1)")
    process.wait_for(lambda run: run.records_before_last_state() == 1)
    process.process.send_signal(19)  # SIGSTOP: it does not see the following statements
    drop(database)
    process.go_on()
    one.keep(process.wait_for(lambda run: run.records_before_last_state() == 3).stop())
    assert_values(process.records[1])


def test_flow_remembers_too(database, flow, begin):
    begin(3)
    one = flow(["t"])
    one.run()
    drop(database)
    one.run()
    assert_values(one.records[-2])


def test_a_type_made_again_under_its_name_is_another_one(database, begin):
    one = begin(3)
    one.run()
    drop(database)
    database.execute("CREATE TYPE amount AS ENUM ('one', 'two')", "ALTER TABLE t ADD e amount DEFAULT 'two'", "INSERT INTO t VALUES (102, 'one')")
    records = one.run().records
    assert_values(records[0])
    assert records[2]["data"]["e"] == "one"
