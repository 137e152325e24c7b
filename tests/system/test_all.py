"""read --all: the tables that match a pattern, without a catalog."""

import signal

import pytest

from connector import Run, run
from refusal import assert_refused


@pytest.fixture(name="arguments")
def of_three_tables(database, capture):
    database.execute("CREATE SCHEMA shop", "CREATE TABLE shop.orders (id int PRIMARY KEY)", "INSERT INTO shop.orders VALUES (1)",
                     'CREATE TABLE shop."Odd ""name" (id int PRIMARY KEY)', 'INSERT INTO shop."Odd ""name" VALUES (2)',
                     "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO other VALUES (3)", "CREATE VIEW shop.view AS SELECT 1 AS id")
    one = capture([])
    return ["--config", one.path("config.json", one.config)], one


def names(process):
    return sorted({(record["namespace"], record["stream"]) for record in process.records})


@pytest.mark.parametrize("pattern, expected", [("*", [("public", "other"), ("shop", 'Odd "name'), ("shop", "orders")]),
                                               ("shop.*", [("shop", 'Odd "name'), ("shop", "orders")]), ("*.o[rt]*", [("public", "other"), ("shop", "orders")])])
def test_tables_that_fit_are_captured(arguments, pattern, expected):
    config, one = arguments
    process = run("read", *config, "--all", pattern).succeed()
    assert names(process) == expected
    state = one.path("state.json", [process.states[-1]])
    one.database.execute("INSERT INTO shop.orders VALUES (10)")
    process = run("read", *config, f"--all={pattern}", "--state", state).succeed()
    assert [record["data"]["id"] for record in process.records] == [10]


def test_a_table_that_is_made_later_joins_at_a_hangup(arguments):
    config, one = arguments
    process = Run("read", *config, "--all", "shop.*", "--tail").wait_for_active()
    one.database.execute("CREATE TABLE shop.later (id int PRIMARY KEY)", "INSERT INTO shop.later VALUES (4)")
    process.process.send_signal(signal.SIGHUP)
    process.wait_for(lambda self: ("shop", "later") in names(self))
    process.stop()


def test_a_table_that_cannot_be_published_is_left_out(arguments):
    """The table is made while the capture does not run, or runs; it is captured once it can be."""
    config, one = arguments
    state = one.path("state.json", [run("read", *config, "--all", "shop.*").succeed().states[-1]])
    one.database.execute("CREATE TABLE shop.keyless (a int)", "INSERT INTO shop.keyless VALUES (5)", "CREATE TABLE shop.more (a int)",
                         "INSERT INTO shop.orders VALUES (10)")
    process = Run("read", *config, "--all", "shop.*", "--tail", "--state", state).wait_for(lambda self: self.records)
    assert names(process) == [("shop", "orders")]
    warnings = [line for line in process.stderr.splitlines() if line.startswith("WARN: ")]
    assert [line.partition(" has no primary key")[0] for line in warnings] == [
        f'WARN: not captured: table "shop"."{name}"' for name in ("keyless", "more")]
    one.database.execute("UPDATE shop.keyless SET a = 6", "ALTER TABLE shop.keyless REPLICA IDENTITY FULL")
    process.process.send_signal(signal.SIGHUP)
    process.wait_for(lambda self: ("shop", "keyless") in names(self))
    process.stop()
    one.database.execute("CREATE TABLE shop.another (a int)")
    assert_refused(run("read", *config, "--all", "shop.another").finish(), "config_error", "shop", "another", "REPLICA IDENTITY FULL")


def test_a_table_that_may_not_be_read_any_more_is_left_out_and_said(arguments, user):
    _, one = arguments
    tables = 'shop.orders, shop."Odd ""name"'
    one.database.execute(f"CREATE PUBLICATION {one.database.publication} FOR TABLE {tables}")
    one.config = one.database.config(**user("REPLICATION", "GRANT USAGE ON SCHEMA shop TO {user}", f"GRANT SELECT ON {tables} TO {{user}}"),
                                     advanced={"read_only_capture": True})
    config = ["--config", one.path("config.json", one.config)]
    state = one.path("state.json", [run("read", *config, "--all", "shop.*").succeed().states[-1]])
    name = one.config["user"]
    one.database.execute(f"REVOKE SELECT ON shop.orders FROM {name}", "INSERT INTO shop.orders VALUES (10)")
    process = run("read", *config, "--all", "shop.*", "--state", state).succeed()
    assert not process.records
    assert f'not captured: user "{name}" may not read table "shop"."orders": run' in process.stderr
    assert "stream shop.orders of the state is not captured any more" in process.stderr
    remedy = f'GRANT SELECT ON TABLE "shop"."orders" TO "{name}"'
    assert remedy in process.stderr
    one.database.execute(remedy)
    again = run("read", *config, "--all", "shop.*", "--state", one.path("state.json", [process.states[-1]])).succeed()
    assert "not captured" not in again.stderr and sorted(record["data"]["id"] for record in again.records) == [1, 10]


def test_what_does_not_go_together_is_said(arguments):
    config, one = arguments
    catalog = one.write_catalog()
    everything = [run("read", *config, "--all", *rest).succeed().records for rest in (["--state", one.path("state.json", [])], [])]
    assert [{record["stream"] for record in records} for records in everything] == [{record["stream"] for record in everything[0]}] * 2
    assert_refused(run("read", *config, "--all", "nosuch.*").finish(), "config_error", "--all nosuch.*", "discover")
    assert_refused(run("read", *config).finish(), "config_error", "either --catalog FILE or --all PATTERN")
    assert_refused(run("read", *config, "--all", "*", "--catalog", catalog).finish(), "config_error", "either --catalog FILE or --all PATTERN")
    assert_refused(run("read", *config, "--tail", "--catalog", catalog).finish(), "config_error", "--tail goes with --all")
