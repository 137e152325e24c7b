"""Failover slots (PostgreSQL 17 and later): a standby that takes over has the slot, and the capture continues
from it."""

import json
import os
import subprocess

import pytest

from capture import Capture, stream
from connector import PATIENCE, executable, run, whole
from database import Database
from proxy import Proxy
from refusal import assert_refused
from server import Server, major
from standby import SLOT, Standby, query, until
from writer import Writer

pytestmark = [pytest.mark.skipif(major() < 17, reason="new in PostgreSQL 17"), pytest.mark.limit(120)]


@pytest.fixture(name="primary")
def primary_server():
    with Server() as running:
        yield running


@pytest.fixture(name="own")
def own_database(primary):
    own = Database(primary)
    own.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 100) n")
    yield own
    own.connection.close()


@pytest.fixture(name="standby")
def standby_of_it(primary, own):
    own.connection.close()
    with Standby(primary) as running:
        own.connection = own.connect()
        yield running


@pytest.fixture(name="one")
def a_capture(own, tmp_path):
    one = Capture(own, tmp_path, ["t"])
    yield one
    one.kill_all()


def is_failover(own):
    return own.value("SELECT failover FROM pg_replication_slots WHERE slot_name = %s", (own.slot,))


def take_over(own, standby):
    """The primary is killed, and the test's database is now on the standby."""
    own.connection.close()
    standby.primary.crash()
    standby.promote()
    own.server = standby
    own.connection = own.connect()


def await_standby(own, names=SLOT):
    own.execute(f"ALTER SYSTEM SET synchronized_standby_slots = '{names}'", "SELECT pg_reload_conf()")
    own.wait_for(f"SELECT current_setting('synchronized_standby_slots') = '{names}'")


def increment(random):
    return [f"UPDATE t SET n = n + 1 WHERE id = {random.randrange(100) + 1}",
            f"INSERT INTO t VALUES ({random.randrange(1000, 10 ** 9)}, 0)"]


def synchronise(standby, one, process):
    """Wait until the standby has the slot, which follows what is acknowledged by the state file."""
    def done():
        query(standby.primary, "SELECT pg_log_standby_snapshot()")
        if process.states:
            path = one.path("newer.json", process.states[-1:])
            os.rename(path, os.path.join(one.directory, "state.json"))
        return standby.has_slot(one.database.slot)
    until(done, 30)


def test_a_running_capture_follows_the_standby_that_takes_over(own, standby, one):
    await_standby(own)
    one.run()
    assert is_failover(own)
    one.tail = True
    with Proxy(own.server.port) as proxy:
        one.config["port"] = proxy.port
        process = one.start().wait_for_active()
        with Writer(own, increment, pause_s=0.005):
            process.wait_for(lambda run: run.record_count > 50)
            synchronise(standby, one, process)
        standby.has_all()
        proxy.lead_to(standby.port)
        take_over(own, standby)
        with Writer(own, increment, seed=2):
            before = process.record_count
            process.wait_for(lambda run: run.record_count > before + 50)
        own.execute("DELETE FROM t WHERE id = 1")
        process.wait_for(lambda run: run.records and run.records[-1]["data"]["_meta"]["op"] == "d")
        process.wait_for_state(after=process.record_count)
        one.keep(process.stop())
    assert whole(one.state[0])["timeline"] == 2
    one.assert_equal(t=["id"])
    one.tail, one.config["port"] = False, standby.port
    own.execute("UPDATE t SET n = -1")
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("table", ["t", "k"])
def test_a_backfill_continues_with_a_new_run(own, standby, one, table):
    """Rows that were read from the old server may not be in the new one's history. In a table without key only
    transaction ids show which rows were read, and the new server gives some of them again."""
    await_standby(own)
    own.execute("CREATE TABLE k (id int, n int)", "ALTER TABLE k REPLICA IDENTITY FULL",
                "INSERT INTO k SELECT n, n FROM generate_series(1, 100000) n",
                "INSERT INTO t SELECT n, 0 FROM generate_series(101, 100000) n")
    one.streams = [stream(table)]
    one.tail, one.config["advanced"] = True, {"backfill_chunk_size": 1}
    one.state = []
    with Proxy(own.server.port) as proxy:
        one.config["port"] = proxy.port
        process = one.start().wait_for_records(50)
        with Writer(own, lambda random: ["INSERT INTO k VALUES (0, 0)",
                                         f"UPDATE t SET n = n + 1 WHERE id = {random.randrange(100)}"], pause_s=0.01):
            synchronise(standby, one, process)
        standby.has_all()
        proxy.lead_to(standby.port)
        take_over(own, standby)
        process.finish(30 * PATIENCE)
    assert process.process.returncode == 1
    message = process.errors[0]["message"]
    assert "promoted to timeline 2 while rows were read" in message or (table == "k" and "snapshot" in message)
    one.keep(process)
    assert {state["mode"] for state in whole(one.state[0])["streams"].values()} == {"Backfill"}
    one.tail, one.config["port"], one.config["advanced"] = False, standby.port, {}
    own.execute("INSERT INTO k VALUES (-1, -1)", "DELETE FROM t WHERE id = 7")
    process = one.run()
    again = f"public.{table} was read of a server that another one has taken over from" in process.stderr
    assert again == (table == "k")
    if again:
        rows = sorted((record["data"]["id"], record["data"]["n"]) for record in process.records)
        assert rows == own.query("SELECT id, n FROM k ORDER BY 1, 2")
    else:
        one.assert_equal(t=["id"])


def test_changes_that_the_standby_lacks_are_a_gap(own, standby, one):
    """The capture was ahead of the standby, since the primary does not wait for it."""
    one.run()
    one.tail = True
    process = one.start().wait_for_active()
    with Writer(own, increment, pause_s=0.005):
        synchronise(standby, one, process)
    one.keep(process.stop())
    one.tail = False
    one.run()
    held, kept = one.state, len(one.records)
    standby.has_all()
    standby.stop()
    own.execute("UPDATE t SET n = -1")
    one.run()
    own.connection.close()
    standby.primary.stop()
    standby.start()
    standby.promote()
    one.config["port"] = standby.port
    own.server = standby
    own.connection = own.connect()
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "not all in its history", "synchronized_standby_slots")
    one.state, one.records = held, one.records[:kept]
    own.execute("UPDATE t SET n = -2 WHERE id < 10")
    one.run()
    one.assert_equal(t=["id"])
    own.execute(f"SELECT pg_drop_replication_slot('{own.slot}')")
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "is gone", "begin the capture again")
    one.state = held
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "is gone", "had not synchronized it")


def told(one):
    """Printed by check, and by status with its slot's `failover`."""
    config = one.path("config.json", one.config)
    check = run("check", "--config", config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"]
    status = subprocess.run([executable(), "status", "--json", "--config", config], check=True, timeout=60, capture_output=True)
    status = json.loads(status.stdout)
    assert check.get("message", "").splitlines() == status["remarks"]
    return status["remarks"], status["slot"].get("failover")


def test_the_option_and_what_is_said_of_it(primary, own, one):
    """A standby is recognized by its physical slot."""
    def run_with(option):
        one.config["advanced"] = {"failover_slot": option}
        return one.run().stderr

    run_with("auto")
    assert told(one) == ([], False)
    own.execute(f"SELECT pg_create_physical_replication_slot('{SLOT}', true)")
    assert "does not synchronize" in run_with("false")
    (remark,), failover = told(one)
    assert "does not synchronize" in remark and "set it to auto" in remark and not failover
    log = run_with("auto")
    assert "is a failover slot now" in log and f"synchronized_standby_slots = '{SLOT}'" in log
    (remark,), failover = told(one)
    assert "the capture may be ahead of a standby" in remark and failover
    run_with("false")
    assert is_failover(own)  # an existing slot is kept
    own.execute(f"SELECT pg_drop_replication_slot('{own.slot}')", f"SELECT pg_drop_replication_slot('{SLOT}')")
    one.state = None
    assert "created failover slot" in run_with(True)
    assert told(one) == ([], True)
    await_standby(own, "absent")
    (remark,), _ = told(one)
    assert "no standby reads absent" in remark


def test_the_slot_of_a_full_refresh_is_none(own, one):
    one.config["advanced"] = {"failover_slot": "true"}
    one.streams = [stream("t", sync_mode="full_refresh")]
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    assert not own.value("SELECT failover FROM pg_replication_slots WHERE slot_name = %s", (own.slot + "__full_refresh",))
    process.go_on()
    process.finish()
