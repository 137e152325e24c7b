"""One process that outlives its server: restarts, crashes, and commits that are decoded before they are visible."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest

from capture import Capture
from connector import PATIENCE, run, whole
from database import Database
from server import Server

ROWS = 3000


@pytest.fixture(scope="module")
def mortal():
    """A server of this module's own, which its tests may end."""
    with Server() as running:
        yield running


@pytest.fixture
def own(mortal):
    database = Database(mortal)
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)",
                     f"INSERT INTO t SELECT n, 0 FROM generate_series(1, {ROWS}) n")
    yield database
    database.connection.close()


@pytest.fixture
def captured(own, tmp_path):
    one = Capture(own, tmp_path, ["t"], tail=True, advanced={"backfill_chunk_size": 100})
    yield one
    one.kill_all()


def finish(one, process, changes):
    """All is there, once: the process that continued repeated nothing."""
    process.wait_for_state(after=ROWS + changes).stop()
    one.keep(process)
    assert len(one.records) == ROWS + changes
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_a_restart_of_the_server_is_survived(mortal, own, captured, how):
    process = captured.start().wait_for_active()
    own.execute("UPDATE t SET n = 1 WHERE id <= 10")
    process.wait_for_records(ROWS + 10)
    own.connection.close()
    started = time.monotonic()
    getattr(mortal, how)()
    assert time.monotonic() - started < 10 * PATIENCE, "a capture that is idle must not hold up the server's end"
    mortal.start()
    own.connection = own.connect()
    own.execute("UPDATE t SET n = 2 WHERE id <= 20")
    finish(captured, process, 30)
    assert "will try again" in process.stderr


def test_a_restart_in_the_middle_of_a_backfill_is_survived(mortal, own, captured):
    process = captured.start().wait_for_records(200)
    own.connection.close()
    mortal.restart()
    own.connection = own.connect()
    own.execute("UPDATE t SET n = 2 WHERE id = 1")  # a row that was read before
    process.wait_for_active()
    process.wait_for_records(ROWS + 1)
    process.wait_for(lambda run: run.records_before_last_state() == len(run.records)).stop()
    captured.keep(process)
    captured.assert_equal(t=["id"])


@pytest.fixture
def standby_away(own):
    """Synchronous replication with a standby that is not there: a commit is decoded, and becomes visible only when it
    is released, at the end. The test's own session does not wait."""
    own.execute("SET synchronous_commit = local", "ALTER SYSTEM SET synchronous_standby_names = 'away'",
                "SELECT pg_reload_conf()")
    let_go = ("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
    try:
        own.wait_for("SELECT current_setting('synchronous_standby_names') = 'away'")
        yield lambda: own.execute(*let_go)
    finally:
        own.execute(*let_go)


def is_record(message):
    return message["type"] == "RECORD"


def is_state_with_unseen(message):
    return message["type"] == "STATE" and whole(message["state"]).get("unseen")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_commit_that_is_not_yet_visible_survives_the_backfill(own, captured, standby_away, restarted):
    """It comes in the middle of the backfill, whose chunks do not see it, though its commit was decoded."""
    failures = []
    rows = 20 * ROWS

    def write():
        try:
            with closing(own.connect()) as connection, connection.cursor() as cursor:
                cursor.execute(f"UPDATE t SET n = 7 WHERE id > {rows - 50}; DELETE FROM t WHERE id = {rows - 1000}")
        except psycopg2.Error as error:
            failures.append(error)

    own.execute(f"INSERT INTO t SELECT n, 0 FROM generate_series({ROWS + 1}, {rows}) n")
    process = captured.start(pause_at=is_record)
    process.wait_until_paused()
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    own.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    if restarted:
        process.go_on(is_state_with_unseen).wait_until_paused()
        captured.keep(process.kill())
        assert whole(captured.state[0])["streams"]["public.t"]["mode"] == "Backfill"
        process = captured.start()
        process.wait_for(lambda run: "is visible" in run.stderr)
    else:
        process.go_on().wait_for_active()
    assert own.value("SELECT count(*) FROM t WHERE n = 7") == 0, "the commit is visible: this test tests nothing"
    standby_away()
    writer.join(20)
    assert not failures and not writer.is_alive()
    process.wait_for_active()
    own.execute("UPDATE t SET n = 8 WHERE id = 1")
    process.wait_for(lambda run: run.records and run.records[-1]["data"].get("n") == 8)
    process.wait_for(lambda run: run.records_before_last_state() == len(run.records)).stop()
    captured.keep(process)
    captured.assert_equal(t=["id"])


@pytest.mark.parametrize("create, name, given, printed", [("CREATE DOMAIN d AS int", "d", "5", 5), (
    "CREATE TYPE e AS ENUM ('one', 'two')", "e[]", "'{one,two}'", ["one", "two"])])
def test_types_of_a_commit_that_is_not_yet_visible(own, captured, standby_away, create, name, given, printed):
    """Their changes wait until the types are visible to other sessions."""
    process = captured.start().wait_for_active()
    with closing(own.connect()) as session:
        writer = threading.Thread(daemon=True, target=session.cursor().execute, args=(
            f"BEGIN; {create}; ALTER TABLE t ADD c {name}; INSERT INTO t VALUES (-1, 0, {given}); COMMIT",))
        writer.start()
        own.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        time.sleep(0.3)
        standby_away()
        writer.join()
    own.execute(f"INSERT INTO t VALUES (-2, 0, {given})")
    process.wait_for_records(ROWS + 2).stop()
    assert [record["data"]["c"] for record in process.records[ROWS:]] == [printed, printed]


def test_a_capture_that_commits_wait_for_is_said_to_be_a_standby(own, captured):
    captured.config["advanced"]["check_interval"] = "1s"
    process = captured.start().wait_for_active()
    own.execute("SET synchronous_commit = local", "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    try:
        process.wait_for(lambda run: "whose * counts this capture as a standby" in run.stderr)
        checked = run("check", "--config", captured.path("config.json", captured.config)).succeed().of_type("CONNECTION_STATUS")[0]
        writer = threading.Thread(target=commit_elsewhere, args=(own,), daemon=True)
        writer.start()
        own.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    finally:
        own.execute("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
    writer.join(20)
    assert not writer.is_alive(), "the advice does not help"
    assert "whose * counts this capture as a standby" in checked["connectionStatus"]["message"]
    assert process.stop().stderr.count("counts this capture") == 1


def commit_elsewhere(database):
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE t SET n = 7 WHERE id = 1")
