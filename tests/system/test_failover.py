"""The same server on another timeline: if its history has what was captured, the capture continues; else it is a
gap."""

import os
import shutil
import time
from contextlib import closing

import pytest

from capture import Capture
from connector import PATIENCE, whole
from database import Database
from proxy import Proxy
from refusal import assert_refused
from server import SUPERUSER, Server, major


def promoted(server):
    """Recover to the end of its WAL as a promoted standby does: a new timeline begins there."""
    with open(os.path.join(server.data, "recovery.signal"), "w", encoding="ascii"):
        pass
    server.settings["restore_command"] = "false"
    server.start()
    with closing(server.connect()) as session, session.cursor() as cursor:
        for _ in range(int(600 * PATIENCE)):
            cursor.execute("SELECT pg_is_in_recovery()")
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.1)
    raise AssertionError("the server is still in recovery")


@pytest.fixture(name="old")
def old_server():
    with Server() as running:
        yield running


@pytest.fixture(name="own")
def own_database(old):
    own = Database(old)
    own.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 100) n")
    yield own
    own.connection.close()


@pytest.fixture(name="one")
def a_capture(own, tmp_path):
    one = Capture(own, tmp_path, ["t"], tail=True)
    yield one
    one.kill_all()


def settled(process, records):
    process.wait_for_state(after=records)
    return process.stop()


def test_a_failover_is_survived_and_its_states_too(old, own, one):
    process = one.start().wait_for_active()
    own.execute("UPDATE t SET n = 1 WHERE id <= 10")
    process.wait_for_state(after=110)
    own.connection.close()
    old.stop()
    promoted(old)
    own.connection = own.connect()
    own.execute("UPDATE t SET n = 2 WHERE id <= 20")
    one.keep(settled(process, 130))
    assert whole(one.state[0])["timeline"] == 2
    own.execute("UPDATE t SET n = 3 WHERE id <= 30")
    one.keep(settled(one.start(), 30))
    assert len(one.records) == 160
    one.assert_equal(t=["id"])


def test_what_another_history_does_not_hold_is_a_gap(old, own, one):
    one.tail = False
    one.run()
    own.connection.close()
    old.stop()
    copy = old.data + "-copy"
    shutil.copytree(old.data, copy, copy_function=shutil.copy2)
    if old.user:
        for path, _, names in os.walk(copy):
            for name in [path] + [os.path.join(path, name) for name in names]:
                shutil.chown(name, old.user.pw_uid, old.user.pw_gid)
    old.start()
    own.connection = own.connect()
    own.execute("UPDATE t SET n = 1")
    one.run()
    first = one.state
    own.connection.close()
    old.stop()
    kept, old.data = old.data, copy
    promoted(old)
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "promoted to timeline 2", "not all in its history",
                   "without a state")
    one.state = None
    one.run()
    assert whole(one.state[0])["timeline"] == 2
    old.stop()
    old.data = kept
    old.start()
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "went back to timeline 1", "without a state")
    one.state = first
    one.run()
    own.connection = own.connect()


class Standby(Server):
    """A hot standby of another server."""

    def __init__(self, primary):
        super().__init__()
        self.primary = primary

    def initialise(self):
        self.run("pg_basebackup", "--pgdata", self.data, "--host", self.primary.directory, "--port", str(self.primary.port),
                 "--username", SUPERUSER, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")


@pytest.mark.limit(300)
@pytest.mark.skipif("PG_BINDIR" in os.environ, reason="pg_basebackup comes with another package")
def test_a_standby_that_answers_for_a_moment_does_not_end_the_capture(old, own, one):
    with Standby(old) as standby, Proxy(old.port) as proxy:
        one.config["port"] = proxy.port
        one.config["advanced"] = {"backfill_chunk_size": 2}
        process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
        proxy.lead_to(standby.port)
        process.go_on()
        process.wait_for(lambda run: "in recovery" in run.stderr or "read-only" in run.stderr)
        time.sleep(3)
        proxy.lead_to(old.port)
        process.wait_for_active()
        proxy.lead_to(standby.port)
        process.wait_for(lambda run: "in recovery: a standby answers" in run.stderr)
        own.execute("UPDATE t SET n = 1 WHERE id <= 10")
        proxy.lead_to(old.port)
        one.keep(settled(process, 110))
        one.assert_equal(t=["id"])
        proxy.lead_to(standby.port)
        assert_refused(one.start().finish(20 * PATIENCE), "transient_error", "in recovery")


@pytest.mark.skipif(major() >= 17, reason="failover slots came with PostgreSQL 17")
def test_an_older_server_has_no_failover_slots(own, one):
    one.config["advanced"] = {"failover_slot": "true"}
    assert_refused(one.start().finish(20 * PATIENCE), "config_error", "advanced.failover_slot", "came with version 17", "upgrade")
    one.config["advanced"] = {"failover_slot": "auto"}
    one.tail = False
    one.run()
