"""Connections that fall silent without being closed: noticed, opened again, and nothing is lost."""

import os
import time
from contextlib import closing

import psycopg2
import pytest

from capture import Capture
from database import Database
from proxy import Proxy
from server import Server

ROWS = 20000


@pytest.fixture(name="proxy")
def proxy_before_the_server(database):
    """The server itself gives up a silent walsender, and with it the slot, after 2 s."""
    database.execute(f"ALTER DATABASE {database.name} SET wal_sender_timeout = '2s'",
                     "CREATE TABLE t (id int PRIMARY KEY, n int)",
                     f"INSERT INTO t SELECT n, 0 FROM generate_series(1, {ROWS}) n")
    with Proxy(database.server.port) as one:
        yield one


def settle(one, process, records):
    process.wait_for_state(after=records).stop()
    one.keep(process)
    assert len(one.records) == records
    one.assert_equal(t=["id"])


def test_the_stream_and_the_service_connection(proxy, database, capture):
    """A type that is new makes the service connection ask."""
    one = capture(["t"], tail=True, port=proxy.port)
    process = one.start().wait_for_active()
    database.execute("UPDATE t SET n = 1 WHERE id <= 10")
    process.wait_for_records(ROWS + 10)
    proxy.freeze()
    database.execute("CREATE TYPE letter AS ENUM ('x', 'y')", "ALTER TABLE t ADD e letter",
                     "UPDATE t SET n = 2, e = 'y'")
    settle(one, process, ROWS + 10 + ROWS)
    assert "replication interrupted, will try again" in process.stderr
    assert "service connection interrupted, will try again" in process.stderr


def test_the_backfill(proxy, database, capture):
    one = capture(["t"], tail=True, port=proxy.port, advanced={"backfill_chunk_size": 20})
    process = one.start().wait_for_records(100)
    proxy.freeze()
    assert len(process.records) < ROWS, "the backfill is over: this test tests nothing"
    database.execute(f"UPDATE t SET n = 1 WHERE id <= 5 OR id > {ROWS - 5}")
    process.wait_for_active()
    process.wait_for(lambda run: run.records_before_last_state() == len(run.records) >= ROWS).stop()
    one.keep(process)
    one.assert_equal(t=["id"])
    assert "backfill interrupted, will try again" in process.stderr


def sockets(process):
    links = [os.path.join(f"/proc/{process.process.pid}/fd", name) for name in os.listdir(f"/proc/{process.process.pid}/fd")]
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))


@pytest.mark.skipif(os.geteuid() != 0, reason="a process that dumps no core shows its descriptors to root alone")
def test_a_connection_that_asks_is_not_asked_about(proxy, database, capture):
    """As with a pooler that accepts all clients and has no server left: each further connection is silent, too."""
    one = capture(["t"], tail=True, port=proxy.port)
    process = one.start().wait_for_active()
    proxy.deaf = 1
    proxy.freeze()
    process.wait_for(lambda run: "replication interrupted, will try again" in run.stderr)
    assert sockets(process) <= 4
    proxy.deaf = 0
    database.execute("UPDATE t SET n = 1 WHERE id <= 10")
    settle(one, process, ROWS + 10)


def test_a_statement_that_is_long_in_coming_is_waited_for(database, capture):
    """The server works for the connection although it is silent: it waits for a lock."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    capture(["t"]).run()
    other = capture(["t"], tail=True)
    with database.connect() as session, session.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        process = other.start()
        process.wait_for(lambda run: database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name LIKE 'source-postgres%%' AND now() - query_start > '6 s'") > 0)
        cursor.execute("COMMIT")
    process.wait_for_records(1).stop()
    assert "will try again" not in process.stderr


def fill(server, database):
    """All the connections that are left."""
    sessions = []
    with pytest.raises(psycopg2.OperationalError, match="too many clients"):
        while True:
            sessions.append(server.connect(database))
    return sessions


def refusals(server):
    with open(server.log, encoding="utf-8") as log:
        return log.read().count("too many clients")


def test_a_full_server_is_there_all_the_same(tmp_path):
    """A server that refuses the connection that asks about a statement counts as working; one that refuses to reconnect
    is waited for."""
    with Server(max_connections="12", superuser_reserved_connections="0") as server:
        own = Database(server)
        own.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t VALUES (1, 0)")
        Capture(own, tmp_path, ["t"]).run()
        one = Capture(own, tmp_path, ["t"], tail=True)
        with closing(own.connect()) as session, session.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            process = one.start()
            own.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            sessions = fill(server, own.name)
            refused = refusals(server)
            process.wait_for(lambda run: refusals(server) > refused)
            cursor.execute("COMMIT")
        for extra in sessions:
            extra.close()
        process.wait_for_active()
        assert "will try again" not in process.stderr, process.story()
        sessions = fill(server, own.name)
        while "too many clients" not in process.stderr:  # the place that it leaves may be its own again
            own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%'")
            sessions += fill(server, own.name)
            time.sleep(0.5)
        for extra in sessions:
            extra.close()
        own.execute("UPDATE t SET n = 1")
        process.wait_for_state(after=2).stop()
        one.keep(process)
        one.assert_equal(t=["id"])
        own.connection.close()


def test_few_ask_after_many_that_wait(database, capture):
    """Eight workers wait for locks: one question at a time for all of them, less and less often."""
    tables = [f"t{n}" for n in range(8)]
    database.execute(*[f"CREATE TABLE {name} (id int PRIMARY KEY)" for name in tables],
                     *[f"INSERT INTO {name} SELECT generate_series(1, 5000)" for name in tables],
                     "ALTER SYSTEM SET log_connections = on", "SELECT pg_reload_conf()")
    one = capture(tables, tail=True, advanced={"backfill_workers": 8, "backfill_chunk_size": 5})
    begun = os.path.getsize(database.server.log)
    try:
        with closing(database.connect()) as session, session.cursor() as cursor:
            process = one.start().wait_for_records(100)
            cursor.execute("SET statement_timeout = 0; BEGIN; LOCK TABLE " + ", ".join(tables) + " IN ACCESS EXCLUSIVE MODE")
            time.sleep(25)
            assert database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") >= 7
            cursor.execute("COMMIT")
        process.wait_for_records(8 * 5000).stop()
        with open(database.server.log, encoding="utf-8", errors="replace") as log:
            log.seek(begun)
            probes = log.read().count("application_name=source-postgres probe")
        assert 1 <= probes <= 8, probes
        assert "waits for a lock on" in process.stderr
    finally:
        database.execute("ALTER SYSTEM RESET log_connections", "SELECT pg_reload_conf()")
