"""`backfill TABLE…` has a capture backfill tables again, whether it runs or not; its other tables are not touched."""

import json
import re

import pytest

from again import LOOSE, SOON, assert_lives, change_loose, held_in_backfill, is_first_of_a_life, mode_of, said_again, wait_until_again, warned, warnings
from capture import stream
from connector import whole
from database import quoted
from oracle import Versions
from server import PASSWORD
from test_people import people
from writer import Writer

KEYS = {"t": ["id"], "u": ["id"]}
TABLES = [statement for table in "tu" for statement in (
    f"CREATE TABLE {table} (id int PRIMARY KEY, a text)", f"INSERT INTO {table} SELECT n, '{table}' || n FROM generate_series(1, 40) n")]


def ask(one, *tables, code=0, catalog=False, **config):
    """The command's output."""
    options = ["--catalog", one.write_catalog()] if catalog else []
    return people("backfill", "--config", "-", *options, *tables, code=code, stdin=json.dumps({**one.config, **config}))


@pytest.fixture(name="one")
def capture_of_two(database, capture):
    database.execute(*TABLES)
    return capture(["t", "u"], tail=True, advanced={**SOON, "backfill_chunk_size": 10})


def finish(one, process, keys=None, **lives):
    one.keep(process.stop())
    one.tail = False
    ended = one.run()
    assert not ended.records and not said_again(ended), ended.story()
    assert_lives(one, keys or KEYS, lives)


def changes(table):
    """A writer's changes to any row of the table, of any kind."""
    def make(chance):
        n = chance.randint(1, 120)
        return [chance.choice((f"UPDATE {table} SET a = a || 'x' WHERE id = {n}", f"DELETE FROM {table} WHERE id = {n}",
                               f"INSERT INTO {table} VALUES ({n}, 'new') ON CONFLICT DO NOTHING",
                               f"UPDATE {table} SET id = id + 1000 WHERE id = {n}"))]
    return make


def rows_of_watermarks(database):
    return database.value(f"SELECT count(*) FROM {database.watermarks}")


def test_a_capture_that_runs_does_it_beside_writers(one, database):
    process = one.start().wait_for_active()
    with Writer(database, changes("t"), 1, 0.002), Writer(database, changes("u"), 2, 0.002):
        said = ask(one, "public.t")
        wait_until_again(process)
    assert "Asked for a backfill of public.t." in said and f'reads slot "{database.slot}"' in said
    assert len(said_again(process)) == 1 and not said_again(process, "public.u"), process.story()
    assert "was asked for again by the command backfill" in said_again(process)[0]
    one.keep(process.stop())
    one.tail = False
    one.run()
    assert_lives(one, KEYS, {"t": 2, "u": 1})
    assert rows_of_watermarks(database) == 1, "the command leaves a row behind"


def test_a_capture_that_does_not_run_does_it_when_it_runs(one, database):
    one.keep(one.start().wait_for_active().stop())
    database.execute("UPDATE t SET a = 'before' WHERE id = 1", "DELETE FROM u WHERE id = 3")
    assert "Nobody reads slot" in ask(one, "public.t", "public.u", "public.t", catalog=True)
    database.execute("UPDATE t SET a = 'after' WHERE id = 2", "INSERT INTO u VALUES (100, 'after')")
    one.tail = False
    process = one.run()
    assert len(said_again(process)) == len(said_again(process, "public.u")) == 1, process.story()
    assert not one.run().records
    assert_lives(one, KEYS, {"t": 2, "u": 2})


def test_one_in_the_middle_of_its_backfill_begins_again(one):
    with held_in_backfill(one) as process:
        ask(one, "public.t")
        process.wait_for(said_again)
    wait_until_again(process)
    ask(one, "public.t")
    wait_until_again(process, lives=3)
    finish(one, process, t=3, u=1)


def test_what_was_asked_for_does_not_fail_for_what_was_not_sent(one, database):
    """There was no look at the table since it was rewritten."""
    one.config["advanced"] = {"check_interval": "1h", "on_untracked_change": "fail"}
    process = one.start().wait_for_active()
    database.execute("ALTER TABLE t ALTER a TYPE text USING a || '!'")
    ask(one, "public.t")
    wait_until_again(process)
    finish(one, process, t=2, u=1)


@pytest.mark.parametrize("moment", ["asked", "begun", "done"])
def test_kill_9_neither_forgets_nor_repeats_it(one, database, moment):
    one.keep(one.start().wait_for_active().stop())
    ask(one, "public.t")
    if moment == "asked":
        process = one.start().wait_for(lambda run: run.stderr)
    elif moment == "begun":
        process = one.start(pause_at=is_first_of_a_life).wait_until_paused()
    else:
        process = wait_until_again(one.start(), lives=1)
    database.execute("UPDATE t SET a = 'meanwhile' WHERE id = 7", "DELETE FROM t WHERE id = 8")
    one.keep(process.kill())
    process = one.start()
    process.wait_for(lambda run: run.records_before_last_state() >= 2 and set(run.modes().values()) == {"Active"})
    finish(one, process, t=2, u=1)


def is_in_the_middle(state):
    return mode_of(state) == "Backfill" and whole(state)["streams"]["public.t"].get("backfilled")


def test_a_backfill_that_was_asked_for_continues_after_kill_9(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 3000) n")
    one = capture(["t"], tail=True, advanced={**SOON, "backfill_chunk_size": 10})
    one.keep(one.start().wait_for_active().stop())
    ask(one, "public.t")
    with held_in_backfill(one) as process:
        process.wait_for(lambda run: run.states and is_in_the_middle(run.states[-1]))
        one.keep(process.kill())
    assert is_in_the_middle(one.state[0])
    process = one.start().wait_for_active()
    assert not said_again(process), process.story()
    finish(one, process, keys={"t": ["id"]}, t=2)


@pytest.mark.parametrize("moment", ["begun", "done"])
def test_flow_does_it_too(database, flow, moment):
    database.execute(*TABLES)
    one = flow(["t", "u"], advanced={**SOON, "backfill_chunk_size": 10})
    one.run()
    process = one.start().wait_for_active()
    ask(one, "public.t")
    process.wait_for_docs(1) if moment == "begun" else process.wait_for_quiet(40)
    one.kill(process)
    one.run()
    assert not one.run().docs
    assert_lives(one, KEYS, {"t": 2, "u": 1})


def test_a_table_that_is_not_captured_is_a_warning_of_the_capture(one, database):
    database.execute("CREATE TABLE other (id int PRIMARY KEY)")
    process = one.start().wait_for_active()
    ask(one, "public.other", "public.t")
    process.wait_for(lambda run: warnings(run, "public.other"))
    wait_until_again(process)
    finish(one, process, t=2, u=1)


def test_a_table_without_its_rows_is_a_warning_too(database, capture):
    database.execute(*TABLES)
    one = capture(["t"], tail=True, advanced={**SOON, "skip_backfills": "public.t"})
    process = one.start().wait_for_active()
    ask(one, "public.t")
    process.wait_for(lambda run: any("captured without its rows" in text for text in warnings(run)))
    database.execute("INSERT INTO t VALUES (100, 'new')")
    process.wait_for_state(after=1)
    assert [record["data"]["id"] for record in process.stop().records] == [100]


def test_what_cannot_be_is_an_error_of_the_command(one, database):
    assert 'there is no replication slot "slot_' in ask(one, "public.t", code=1)
    one.keep(one.start().wait_for_active().stop())
    database.execute("CREATE TABLE other (id int PRIMARY KEY)")
    assert "table public.other is not in the catalog" in ask(one, "public.t", "public.other", catalog=True, code=1)
    said = ask(one, "public.t", "public.missing", code=1)
    assert f'there is no table public.missing in database "{database.name}"' in said and "Asked" not in said
    for name in ("t", "public.", "a.b.c", 'public."t'):
        assert "names no table: write schema.table" in ask(one, name, code=1)
    assert "backfill needs the names of tables" in ask(one, code=1)
    assert "there is no watermarks table" in ask(one, "public.t", code=1, watermarks_table="public.no_such_table")
    assert f'is not of database "{database.name}"' not in ask(one, "public.t")
    database.execute(f"ALTER PUBLICATION {database.publication} DROP TABLE {database.watermarks}")
    assert "is not in the publication" in ask(one, "public.t", code=1)
    database.execute(f"ALTER PUBLICATION {database.publication} ADD TABLE {database.watermarks}", f"DROP TABLE {database.watermarks}")
    assert "there is no watermarks table" in ask(one, "public.t", code=1)


def test_a_user_who_may_not_write_the_watermarks_table_cannot_ask(one, database, user):
    one.keep(one.start().wait_for_active().stop())
    other = user("", "GRANT SELECT ON t TO {user}")
    said = ask(one, "public.t", code=1, **other)
    assert "may not write the watermarks table" in said and "GRANT" in said and other["password"] not in said
    database.execute(f"GRANT SELECT, INSERT, UPDATE ON {database.watermarks} TO {other['user']}")
    ask(one, "public.t", **other)
    ask(one, "public.t", **other)
    assert rows_of_watermarks(database) == 2, "one row of requests remains if the role may not delete it"
    one.tail = False
    assert said_again(one.run())
    assert_lives(one, KEYS, {"t": 2, "u": 1})


def test_names_are_those_of_streams(database, capture):
    names = {"Upper": "public.Upper", "a.b": 'public."a.b"', 'q"q': 'public."q""q"', "back\\slash, it's": "public.back\\slash, it's"}
    for name in names:
        database.execute(f"CREATE TABLE {quoted(name)} (id int PRIMARY KEY)", f"INSERT INTO {quoted(name)} VALUES (1), (2)")
    one = capture([stream(name) for name in names], tail=True)
    one.keep(one.start().wait_for_active().stop())
    ask(one, *names.values())
    one.tail = False
    one.run()
    assert_lives(one, {name: ["id"] for name in names}, {name: 2 for name in names})


def test_the_name_that_a_warning_has_is_the_one_to_ask_with(database, capture):
    table = 'My "Odd".Table'
    database.execute(f"CREATE TABLE {quoted(table)} (id int PRIMARY KEY)", f"INSERT INTO {quoted(table)} SELECT generate_series(1, 40)")
    one = capture([stream(table)], tail=True, advanced=SOON)
    process = one.start().wait_for_active()
    database.execute(f"ALTER TABLE {quoted(table)} ADD c uuid DEFAULT gen_random_uuid()")
    process.wait_for_records(80)
    (name,) = re.findall("WARN: table (.*) was emptied or rewritten", process.stderr)
    assert name == 'public."My ""Odd"".Table"'
    assert f"Asked for a backfill of {name}." in ask(one, name)
    process.wait_for_records(120)
    assert len(said_again(process, name)) == 2, process.story()
    process.stop()


def test_a_name_in_another_case_names_the_table_that_there_is(one, database):
    database.execute('CREATE TABLE "Mixed" (id int)')
    one.keep(one.start().wait_for_active().stop())
    assert "there is no table public.T in database" in (said := ask(one, "public.T", "public.mixed", code=1))
    assert "did you mean public.t?" in said and "did you mean public.Mixed?" in said
    assert "table Public.T is not in the catalog: did you mean public.t?" in ask(one, "Public.T", catalog=True, code=1)
    assert "did you mean" not in ask(one, "public.missing", code=1)


def test_a_partitioned_table_is_asked_for_by_its_own_name(database, capture):
    database.execute("CREATE TABLE p (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
                     "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50)", "CREATE TABLE p2 PARTITION OF p DEFAULT",
                     "INSERT INTO p SELECT n, 'p' || n FROM generate_series(1, 100) n")
    one = capture(["p"], tail=True, advanced={**SOON, "backfill_chunk_size": 10})
    process = one.start().wait_for_active()
    ask(one, "public.p1")
    process.wait_for(lambda run: warnings(run, "public.p1"))
    with Writer(database, changes("p"), 1, 0.002):
        ask(one, "public.p")
        wait_until_again(process, "p")
    one.keep(process.stop())
    one.tail = False
    one.run()
    assert_lives(one, {"p": ["id"]}, {"p": 2})


def test_a_table_in_ctid_order(database, capture):
    database.execute(*LOOSE)
    one = capture(["loose"], tail=True, advanced={**SOON, "backfill_chunk_size": 50})
    process = one.start().wait_for_active()
    with Writer(database, change_loose, 1, 0.002):
        ask(one, "public.loose")
        wait_until_again(process, "loose")
    one.keep(process.stop())
    one.tail = False
    one.run()
    result = one.materialised({"loose": Versions("public", "loose")})
    result.assert_equal(database)
    assert result.oracles["public", "loose"].life == 2


def test_nothing_is_said_of_a_request_that_is_another_captures(one, database, capture):
    other = capture(["t"], tail=True, slot_name=f"{database.slot}_2")
    process, second = one.start().wait_for_active(), other.start().wait_for_active()
    ask(other, "public.t")
    wait_until_again(second)
    database.execute("INSERT INTO t VALUES (100, 'new')")
    process.wait_for_state(after=81)
    assert not list(warned(process.stderr)) or not said_again(process), process.story()
    assert PASSWORD not in process.stderr
    second.stop()
    finish(one, process, t=1, u=1)
