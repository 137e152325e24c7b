"""Locks of other sessions: the log names the session that a statement waits for, the capture continues afterwards, and
a stop ends the wait."""

import json
import time
from contextlib import closing

import pytest

from capture import stream
from connector import run
from proxy import Proxy
from test_metrics import scrape, start, value
from test_people import people

ROWS = 20000
WAITING = ("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
           " AND application_name LIKE 'source-postgres%' AND datname = current_database()")
GONE = ("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%'"
        " AND datname = current_database()")


@pytest.fixture(name="tables")
def two_tables(database):
    """One is published, as is the watermarks table; beside one that keeps the publication from being for all."""
    database.execute("CREATE TABLE one (id int PRIMARY KEY)", "CREATE TABLE two (id int PRIMARY KEY)",
                     "CREATE TABLE unkeyed (n int)", f"INSERT INTO two SELECT generate_series(1, {ROWS})",
                     f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE one, {database.watermarks}")
    return database


@pytest.fixture(name="holder")
def session_of_another(database):
    with closing(database.connect()) as session:
        yield session


def hold(session, *statements):
    with session.cursor() as cursor:
        for statement in ("BEGIN", *statements):
            cursor.execute(statement)


def release(session):
    with session.cursor() as cursor:
        cursor.execute("ROLLBACK")


def wait_for_line(process, session, words):
    """One line begins with the words, and names the session with the lock."""
    begin = f"INFO: {words}process {session.get_backend_pid()} (user postgres, test, open for "
    process.wait_for(lambda run: any(line.startswith(begin) for line in run.stderr.splitlines()))


@pytest.mark.parametrize("published", [True, False])
def test_a_table_that_cannot_be_published_yet(tables, holder, capture, published):
    """As during VACUUM and CREATE INDEX CONCURRENTLY."""
    if not published:
        tables.execute(f"DROP PUBLICATION {tables.publication}")
    hold(holder, "LOCK TABLE two IN SHARE UPDATE EXCLUSIVE MODE")
    one = capture(["one", "two"])
    process = one.start()
    wait_for_line(process, holder, f"{'adding a table to' if published else 'creating'} the publication waits for a lock on public.two: ")
    release(holder)
    one.keep(process.succeed())
    one.assert_equal(one=["id"], two=["id"])
    assert "will try again" not in process.stderr


def test_a_watermarks_table_that_another_session_is_creating(database, holder, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    hold(holder, f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)")
    process = capture(["t"]).start()
    wait_for_line(process, holder, "creating the watermarks table waits for older transactions to end: ")
    release(holder)
    process.succeed()


def test_a_table_that_cannot_be_described_yet(tables, holder, capture):
    hold(holder, "LOCK TABLE one IN ACCESS EXCLUSIVE MODE")
    process = capture(["one"]).start()
    wait_for_line(process, holder, "reading the catalogs waits for a lock on public.one: ")
    release(holder)
    process.succeed()


def checked(one):
    config = one.path("config.json", one.config)
    status = run("check", "--config", config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"]
    return status["message"]


def test_locks_of_other_tables_hold_up_neither_a_check_nor_a_start(tables, holder, capture):
    """What is to be remarked on them is left out."""
    tables.execute("CREATE TABLE child () INHERITS (one)", "CREATE TABLE three (id int PRIMARY KEY)", "INSERT INTO child VALUES (1)",
                   f"ALTER PUBLICATION {tables.publication} ADD TABLE three")
    one = capture(["one"])
    one.keep(one.run())
    hold(holder, "LOCK TABLE three, child IN ACCESS EXCLUSIVE MODE")
    said = checked(one)
    assert "tables that inherit from others were not looked for: a table is locked" in said and "row filters" not in said
    one.keep(one.run())
    release(holder)
    assert "rows of tables that inherit from public.one are not captured with it" in checked(one)


def test_a_table_that_cannot_be_read_any_more(tables, holder, capture):
    one = capture(["two"], advanced={"backfill_chunk_size": 20})
    process = one.start().wait_for_records(100)
    hold(holder, "ALTER TABLE two SET (fillfactor = 90)", "LOCK TABLE two IN ACCESS EXCLUSIVE MODE")
    assert len(process.records) < ROWS, "the backfill is over: this test tests nothing"
    wait_for_line(process, holder, "reading rows waits for a lock on public.two: ")
    release(holder)
    one.keep(process.succeed())
    one.assert_equal(two=["id"])
    assert "will try again" not in process.stderr


@pytest.mark.parametrize("statement, words", [
    ("LOCK TABLE one IN ACCESS EXCLUSIVE MODE", "reading the catalogs waits for a lock on public.one: process {} (user postgres, test); "),
    ("INSERT INTO two VALUES (0)", "or may have been, when its capture began: process {} (user postgres)\n")])
def test_how_long_a_lock_is_held_is_left_out_where_that_may_not_be_seen(tables, holder, capture, user, statement, words):
    """Without pg_monitor."""
    role = user("REPLICATION", "GRANT SELECT ON one, two TO {user}", f"GRANT ALL ON {tables.watermarks} TO {{user}}")
    one = capture(["one"], **role)
    one.keep(one.run())
    tables.execute(f"ALTER PUBLICATION {tables.publication} ADD TABLE two")
    hold(holder, statement)
    one.streams.append(stream("two"))
    process = one.start()
    process.wait_for(lambda run: words.format(holder.get_backend_pid()) in run.stderr)
    release(holder)
    process.succeed()


SERVICE = "SELECT pid FROM pg_stat_activity WHERE application_name = 'source-postgres service' AND datname = current_database()"


def test_a_running_capture_that_asks_about_a_locked_table(tables, holder, capture):
    """It asks again and again, on the connection that it has, and names the session all the same."""
    one = capture(["two"], tail=True)
    process = start(one).wait_for_active()
    service = tables.value(SERVICE)
    hold(holder, "LOCK TABLE two IN ACCESS EXCLUSIVE MODE")
    people("backfill", "--config", "-", "public.two", stdin=json.dumps(one.config))
    wait_for_line(process, holder, "reading the catalogs waits for a lock on public.two: ")
    time.sleep(3)  # longer than a statement may wait
    release(holder)
    process.wait_for_records(2 * ROWS)
    assert value(scrape(process), "reconnects_total", connection="service") == 0
    assert tables.value(SERVICE) == service
    assert "will try again" not in process.stop().stderr
    assert process.stderr.count("was asked for again") == 1, process.stderr


def test_a_stop_while_it_waits(tables, holder, capture):
    """The statement that waited is not run after the process has ended."""
    hold(holder, "LOCK TABLE two IN SHARE UPDATE EXCLUSIVE MODE")
    process = capture(["two"]).start()
    tables.wait_for(WAITING)
    process.stop()
    tables.wait_for(GONE)
    release(holder)
    assert tables.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'two'") == 0
    assert "is not read" not in process.stderr


def test_a_stop_while_it_waits_for_a_slot(tables, holder, capture):
    hold(holder, "INSERT INTO unkeyed VALUES (1)")
    process = capture(["one"]).start()
    tables.wait_for(WAITING)
    process.stop()
    tables.wait_for(GONE)
    release(holder)
    assert not tables.query("SELECT FROM pg_replication_slots WHERE slot_name = %s", (tables.slot,))


def test_a_stop_while_it_waits_for_a_server_that_is_gone(tables, holder, capture):
    """Then the statement cannot be cancelled, and that is not tried for long."""
    hold(holder, "LOCK TABLE two IN SHARE UPDATE EXCLUSIVE MODE")
    with Proxy(tables.server.port) as proxy:
        process = capture(["two"], port=proxy.port).start()
        tables.wait_for(WAITING)
        proxy.freeze(later=True)
        process.stop()
    assert "is not read" not in process.stderr
