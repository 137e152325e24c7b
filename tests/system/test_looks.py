"""The looks at the tables, each `check_interval`: they survive the loss of their connection, and nothing that waits
delays them."""

import os
import signal
import time
from contextlib import closing

import pytest

from again import SOON, assert_lives, assert_said_again, wait_until_again, warnings
from capture import Capture, stream
from connector import PATIENCE
from database import Database
from proxy import Proxy
from refusal import assert_refused
from server import Server

LOOK_S = 20 * PATIENCE
DEFINITION = ("CREATE TABLE t (id int PRIMARY KEY, a text)", "CREATE TABLE other (id int PRIMARY KEY)",
              "INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, 40) n", "INSERT INTO other VALUES (1)")
UNTOLD = "ALTER TABLE t ALTER a TYPE text USING a || '!'"
KEYS = {"t": ["id"], "other": ["id"]}
CUT = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
       " AND application_name LIKE 'source-postgres%' AND backend_type = 'client backend'")


@pytest.fixture(name="one")
def running_capture(database, capture):
    database.execute(*DEFINITION)
    one = capture(["t", "other"], tail=True, advanced=SOON)
    one.process = one.start().wait_for_active()
    return one


def assert_continues(one, database):
    """With the other table, and without a complaint about it."""
    count = len(one.process.records)
    database.execute("INSERT INTO other VALUES (1000)")
    one.process.wait_for(lambda run: run.records_before_last_state() > count)
    assert not warnings(one.process, "public.other"), one.process.story()


def test_a_dropped_table_is_said(one, database):
    database.execute("DROP TABLE t")
    one.process.wait_for(lambda run: warnings(run), LOOK_S)
    assert_continues(one, database)
    one.process.stop()
    assert len(warnings(one.process)) == 1


def test_a_dropped_table_is_said_after_the_service_connection_was_cut(one, database):
    assert database.value(CUT) > 0, "there is no such connection: this test tests nothing"
    database.execute("DROP TABLE t")
    one.process.wait_for(lambda run: warnings(run), LOOK_S)
    assert_continues(one, database)
    one.process.stop()


def test_what_happened_is_noticed_after_the_service_connection_was_cut_again_and_again(one, database):
    for _ in range(3):
        database.wait_for(f"SELECT ({CUT}) > 0", LOOK_S)
    one.unreported["t"] = [database.position()]
    database.execute(UNTOLD)
    wait_until_again(one.process)
    assert_continues(one, database)
    one.keep(one.process.stop())
    assert_said_again(one.process)
    assert_lives(one, KEYS, {"t": 2})


def test_the_looks_survive_a_restart_of_the_server(tmp_path):
    with Server(lifetime_s=300) as server:
        database = Database(server)
        database.execute(*DEFINITION)
        one = Capture(database, tmp_path, ["t", "other"], tail=True, advanced=SOON)
        try:
            one.process = one.start().wait_for_active()
            server.stop(timeout_s=10)
            server.start()
            database.reconnect()
            one.unreported["t"] = [database.position()]
            database.execute(UNTOLD)
            wait_until_again(one.process)
            assert_continues(one, database)
            one.keep(one.process.stop())
            assert_said_again(one.process)
            assert_lives(one, KEYS, {"t": 2})
        finally:
            one.kill_all()
            database.connection.close()


def test_the_looks_survive_a_connection_that_falls_silent(database, capture):
    """That connection is silent, and another one is made."""
    database.execute(*DEFINITION)
    with Proxy(database.server.port) as proxy:
        one = capture(["t", "other"], tail=True, advanced=SOON, port=proxy.port)
        one.process = one.start().wait_for_active()
        proxy.freeze()
        one.unreported["t"] = [database.position()]
        database.execute(UNTOLD)
        one.process.wait_for(lambda run: warnings(run), 100 * PATIENCE)
        wait_until_again(one.process)
        one.keep(one.process.stop())
    assert_lives(one, KEYS, {"t": 2})


def test_a_lock_on_the_watermarks_holds_nothing_back_but_the_backfill(one, database):
    """It delays neither the looks, nor the changes of tables whose rows are out."""
    one.keep(one.process.stop())
    database.execute("CREATE TABLE u (id int PRIMARY KEY)", "INSERT INTO u VALUES (1)")
    one.streams.append(stream("u"))
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; SELECT FROM {database.watermarks} FOR UPDATE")
        cursor.execute(f"LOCK TABLE {database.watermarks} IN SHARE MODE")
        process = one.process = one.start()
        process.wait_for(lambda run: "capturing 3 streams" in run.stderr)
        database.execute("INSERT INTO other VALUES (2)")
        process.wait_for(lambda run: run.records_of("other"))
        one.unreported["t"] = [database.position()]
        database.execute(UNTOLD)
        process.wait_for(lambda run: warnings(run), LOOK_S)
        database.execute("INSERT INTO other VALUES (3)")
        process.wait_for(lambda run: len(run.records_of("other")) == 2)
        cursor.execute("ROLLBACK")
    wait_until_again(process, lives=1)
    process.wait_for(lambda run: run.records_of("u"))
    one.keep(process.wait_for_active().stop())
    assert_lives(one, {**KEYS, "u": ["id"]}, {"t": 2, "u": 1})


def test_a_locked_table_holds_up_no_look_at_the_others(one, database):
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE other IN ACCESS EXCLUSIVE MODE")
        one.unreported["t"] = [database.position()]
        database.execute(UNTOLD)
        one.process.wait_for(lambda run: warnings(run), LOOK_S)
        wait_until_again(one.process)
        cursor.execute("ROLLBACK")
    assert_continues(one, database)
    one.keep(one.process.stop())
    assert_lives(one, KEYS, {"t": 2})


def test_a_capture_that_was_stopped_looks_once_and_continues(one, database):
    """It has missed several looks meanwhile."""
    one.process.process.send_signal(signal.SIGSTOP)
    one.unreported["t"] = [database.position()]
    database.execute(UNTOLD, "SELECT pg_sleep(2.5)")
    one.process.process.send_signal(signal.SIGCONT)
    wait_until_again(one.process)
    one.keep(one.process.stop())
    assert_said_again(one.process)
    assert_lives(one, KEYS, {"t": 2})


@pytest.mark.parametrize("interval", ["soon", "-1s", "0s"])
def test_an_interval_that_is_none_is_refused(database, capture, interval):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert_refused(capture(["t"], advanced={"check_interval": interval}).start().finish(), "config_error", "check_interval")


def test_a_capture_that_is_blocked_takes_no_processor_time(one, database):
    """A look waits until the stream has reached its position, which it does not while the output is not read."""
    one.process.reading.clear()
    for n in range(40):
        database.execute(f"INSERT INTO t SELECT 1000 + {n}, string_agg(md5(m::text), '') FROM generate_series(1, 20000) m")
    before = processor_s(one.process)
    time.sleep(4)
    assert processor_s(one.process) - before < 1
    one.process.reading.set()
    one.process.stop()


def processor_s(process):
    with open(f"/proc/{process.process.pid}/stat", encoding="ascii") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
