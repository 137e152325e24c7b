"""A gap is an error that says what was lost and what to do, never a silent skip."""

import os
import subprocess
import time

import pytest

from capture import Capture
from connector import executable
from database import Database
from refusal import assert_refused
from server import Server, major
from test_metrics import scrape, value


@pytest.fixture(name="begun")
def capture_with_state(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    one = capture(["t"])
    one.run()
    database.execute("INSERT INTO t VALUES (2)")
    return one


def refused(one, *words):
    assert_refused(one.start().finish(), "config_error", "without a state", *words)


def recreate(database, plugin="pgoutput"):
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')",
                     f"SELECT pg_create_logical_replication_slot('{database.slot}', '{plugin}')")


def test_a_dropped_slot(begun, database):
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    refused(begun, database.slot, "is gone")
    assert database.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (database.slot,)) == 0


def test_a_recreated_slot(begun, database):
    recreate(database)
    refused(begun, database.slot, "recreated")


def test_a_slot_recreated_for_another_plugin(begun, database):
    recreate(database, "test_decoding")
    assert_refused(begun.start().finish(), "config_error", "test_decoding", "another name")


def test_a_publication_that_was_not_there_for_a_while(begun, database):
    """Changes written meanwhile cannot be decoded any more, whether the publication has come back or not."""
    begun.run()
    database.execute(f"DROP PUBLICATION {database.publication}", "INSERT INTO t VALUES (3)")
    words = (database.publication, "did not exist when", f"pg_drop_replication_slot('{database.slot}')")
    for _ in range(2):
        refused(begun, *words)
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    begun.state, begun.records = None, []
    begun.run()
    begun.assert_equal(t=["id"])


def test_a_slot_that_someone_else_read_from(begun, database):
    database.execute(f"SELECT pg_replication_slot_advance('{database.slot}', pg_current_wal_lsn())")
    refused(begun, "past the state's")


def test_another_database(begun, database, server):
    other = Database(server)
    begun.config["database"] = other.name
    other.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert_refused(begun.start().finish(), "config_error", database.name)


def test_another_slot(begun, database):
    begun.config["slot_name"] = "another_slot"
    refused(begun, database.slot, "another_slot")


def test_another_server_behind_the_same_address(begun, database):
    """Another server that looks the same: the same names, a slot of the same name."""
    with Server() as other:
        lookalike = Database(other, database.name)
        lookalike.execute("CREATE TABLE t (id int PRIMARY KEY)", f"CREATE PUBLICATION {database.publication} FOR TABLE t",
                     f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
        begun.config["port"] = other.port
        refused(begun, "another server")
        lookalike.connection.close()


def test_a_slot_that_the_server_invalidated(tmp_path):
    with Server(max_slot_wal_keep_size="1MB", min_wal_size="32MB", max_wal_size="32MB") as small:
        own = Database(small)
        own.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE noise (filler text)")
        one = Capture(own, tmp_path, ["t"])
        one.run()
        for _ in range(6):
            own.execute("INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 16000)", "CHECKPOINT")
        own.wait_for(f"SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = '{own.slot}'")
        refused(one, own.slot, "max_slot_wal_keep_size")
        shown = subprocess.run([executable(), "status", "--config", one.path("config.json", one.config)], check=True, capture_output=True,
                               text=True, timeout=30).stdout
        assert "the server keeps no WAL for it (lost)" in shown
        own.connection.close()


def test_a_slot_that_the_server_invalidates_while_the_output_is_not_read(tmp_path):
    """The reader's thread waits for the output, so that the looks at the slot have to find it."""
    with Server(max_slot_wal_keep_size="1MB", min_wal_size="32MB", max_wal_size="32MB") as small:
        own = Database(small)
        own.execute("CREATE TABLE t (id int, a text)", "ALTER TABLE t REPLICA IDENTITY FULL", "CREATE TABLE noise (filler text)")
        one = Capture(own, tmp_path, ["t"], tail=True, advanced={"check_interval": "1s"})
        reader, writer = os.pipe()
        process = one.start(stdout=writer)
        own.wait_for("SELECT count(*) > 0 FROM pg_replication_slots WHERE active")
        own.execute(*["INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 1000) n"] * 60)
        for _ in range(6):
            own.execute("INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 16000)", "CHECKPOINT")
        own.wait_for(f"SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = '{own.slot}'")
        process.finish()
        assert process.process.returncode == 1 and f'the server invalidated replication slot "{own.slot}"' in process.stderr
        os.close(reader)
        os.close(writer)
        own.connection.close()


@pytest.mark.since(13)
def test_a_slot_at_its_limit_while_the_output_is_not_read(tmp_path):
    """A connection that nobody reads from would hold up the server's checkpoints: there is none until the output is read."""
    with Server(max_slot_wal_keep_size="1MB", max_wal_size="4GB") as small:
        own = Database(small)
        own.execute("CREATE TABLE t (id int, a text)", "ALTER TABLE t REPLICA IDENTITY FULL")
        one = Capture(own, tmp_path, ["t"], tail=True, advanced={"check_interval": "1s"})
        process = one.start(METRICS_LISTEN="0").wait_for_active()
        process.reading.clear()
        own.execute(*["INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 1000) n"] * 60)
        own.wait_for(f"SELECT wal_status = 'unreserved' FROM pg_replication_slots WHERE slot_name = '{own.slot}'")
        process.wait_for(lambda run: "the output is not read" in run.stderr)
        time.sleep(8)
        assert value(scrape(process), "reconnects_total", connection="replication") == 1
        assert own.value("SELECT count(*) FROM pg_replication_slots WHERE active") == 0
        process.reading.set()
        process.wait_for_records(60_000)
        assert "connected again" in process.stop().stderr
        own.connection.close()


def test_a_slot_that_the_server_invalidated_because_it_was_idle(tmp_path):
    with Server(idle_replication_slot_timeout="1s") if major() >= 18 else pytest.skip("new in PostgreSQL 18") as small:
        own = Database(small)
        own.execute("CREATE TABLE t (id int PRIMARY KEY)")
        one = Capture(own, tmp_path, ["t"])
        one.run()
        time.sleep(1.1)
        own.execute("CHECKPOINT")
        own.wait_for(f"SELECT invalidation_reason = 'idle_timeout' FROM pg_replication_slots WHERE slot_name = '{own.slot}'")
        process = one.start().finish()
        assert_refused(process, "config_error", "without a state", own.slot, "idle_replication_slot_timeout")
        assert "max_slot_wal_keep_size" not in process.stderr
        own.connection.close()
