"""Options that keep a capture from burdening its server. The advice of warnings and errors is followed, and helps."""

import json
import os
import re
import time
from contextlib import closing

import pytest

from capture import Capture
from connector import PATIENCE
from database import Database
from flow import assert_refused as refused
from refusal import assert_refused
from server import Server
from test_metrics import scrape, value, wait_for_metric

MIB = 1 << 20
OFTEN = {"check_interval": "100ms"}


def wait_for_warning(process, *words):
    process.wait_for(lambda run: any(line.startswith("WARN: ") and all(word in line for word in words)
                                     for line in run.stderr.splitlines()))


def hand_back(one, state):
    """Acknowledge the state, as a consumer does that has stored all before it."""
    path = os.path.join(one.directory, "state.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump([state], file)
    os.rename(path + ".new", path)


def newest_state(database, process):
    count = len(process.records)
    database.execute("INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t")
    return process.wait_for_state(after=count + 1).states[-1]


def kept(database):
    """The WAL that the slot keeps, once the server has noticed that it may remove some."""
    database.execute("CHECKPOINT")
    return database.value("SELECT (pg_current_wal_lsn() - restart_lsn)::bigint FROM pg_replication_slots WHERE slot_name = %s",
                          (database.slot,))


def release(database, mib, acknowledge):
    """The server moves restart_lsn with one acknowledgement to where it was ready to move at the one before."""
    deadline = time.monotonic() + 20 * PATIENCE
    acknowledge()
    while kept(database) >= mib * MIB:
        assert time.monotonic() < deadline, "it is still kept"
        acknowledge()


@pytest.fixture(name="table")
def a_table(database):
    database.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)")


@pytest.fixture(name="role")
def role_with_no_more_rights_than_needed(database, user):
    database.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)",
                     f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, {database.watermarks}")
    return user("REPLICATION", "GRANT SELECT ON t TO {user}", f"GRANT ALL ON {database.watermarks} TO {{user}}")


@pytest.mark.usefixtures("table")
def test_much_wal_is_warned_of_and_an_acknowledged_state_releases_it(database, capture):
    one = capture(["t"], tail=True, advanced={**OFTEN, "wal_warn_mb": 4})
    one.state = []
    process = one.start().wait_for_active()
    database.write_wal(5)
    words = ("of WAL for replication slot", database.slot, "not known to be stored: write the newest state to the file")
    wait_for_warning(process, "the server keeps", *words)
    assert process.stderr.count("the server keeps") == 1
    database.write_wal(6)
    process.wait_for(lambda run: run.stderr.count("the server keeps") == 2)
    release(database, 1, lambda: hand_back(one, newest_state(database, process)))
    assert process.stop().stderr.count("the server keeps") == 2


@pytest.mark.usefixtures("table")
def test_a_consumer_that_does_not_read_is_the_cause(database, capture):
    one = capture(["t"], tail=True, advanced={**OFTEN, "wal_warn_mb": 24})
    one.state = []
    process = one.start().wait_for_active()
    process.reading.clear()
    for n in range(100):
        database.execute(f"INSERT INTO t SELECT {n}, string_agg(md5(m::text), '') FROM generate_series(1, 20000) m")
    wait_for_warning(process, "most of it is still to be captured: let the capture catch up")
    process.reading.set()
    process.wait_for_records(100)
    release(database, 10, lambda: hand_back(one, newest_state(database, process)))
    process.stop()


@pytest.mark.usefixtures("table")
def test_the_slot_is_guarded_while_the_capture_waits_to_begin(database, capture):
    """Nothing else looks at it then."""
    one = capture(["t"], tail=True, advanced={**OFTEN, "wal_warn_mb": 4, "wal_stop_mb": 12})
    one.keep(one.start().wait_for_active().stop())
    with closing(database.connect()) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        process = one.start(METRICS_LISTEN="0")
        database.write_wal(6)
        wait_for_warning(process, "the server keeps", "most of it is still to be captured")
        metrics = scrape(process)
        assert value(metrics, "slot_retained_wal_bytes") > 5 * MIB and value(metrics, "lag_bytes") is None, "it has begun"
        database.write_wal(12)
        process.finish(60 * PATIENCE)
        cursor.execute("ROLLBACK")
    assert process.process.returncode == 1 and "more than advanced.wal_stop_mb allows" in process.errors[-1]["message"]
    one.config["advanced"]["wal_stop_mb"] = 0
    database.execute("INSERT INTO t VALUES (7)")
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.usefixtures("table")
def test_a_limit_ends_the_capture_and_its_newest_state_continues_it(database, capture):
    one = capture(["t"], tail=True, advanced={**OFTEN, "wal_stop_mb": 8})
    process = one.start().wait_for_active()
    database.write_wal(9)
    assert_refused(process.finish(), "config_error", database.slot, "the server keeps", "advanced.wal_stop_mb",
                   "start the read again with it")
    one.keep(process)
    process = one.start()
    release(database, 1, lambda: hand_back(one, newest_state(database, process)))
    newest_state(database, process)
    database.write_wal(9)
    assert "advanced.wal_stop_mb" in process.finish().errors[0]["message"]


@pytest.mark.usefixtures("table")
def test_a_runtime_that_does_not_acknowledge_is_the_cause(database, flow):
    one = flow(["t"], advanced={**OFTEN, "wal_stop_mb": 4})
    process = one.start().wait_for_active()
    database.write_wal(5)
    refused(process, "the server keeps", "its runtime must acknowledge checkpoints: restart the capture")
    one.commit(process)
    process = one.start()

    def acknowledge():
        count = len(process.docs)
        database.execute("INSERT INTO t SELECT count(*) FROM t")
        process.wait_for_quiet(count + 1)
        one.commit(process)

    release(database, 1, acknowledge)
    process.stop()


@pytest.mark.usefixtures("table")
def test_a_capture_that_is_not_coming_back_leaves_its_slot_to_be_dropped(database, capture):
    process = capture(["t"], advanced={**OFTEN, "wal_stop_mb": 4}, tail=True).start().wait_for_active()
    database.write_wal(5)
    message = process.finish().errors[0]["message"]
    database.execute(re.search(r"run (SELECT pg_drop_replication_slot\('\w+'\))", message)[1])
    assert not database.query("SELECT FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))


@pytest.mark.parametrize("option", ["wal_warn_mb", "wal_stop_mb"])
@pytest.mark.usefixtures("table")
def test_a_limit_that_is_none_is_refused(capture, option):
    assert_refused(capture(["t"], advanced={option: -1}).start().finish(), "config_error", option)


@pytest.mark.since(13)
@pytest.mark.usefixtures("table")
def test_a_slot_that_is_nearly_lost(database, tmp_path):
    """The server removes WAL with each checkpoint, whatever wal_status says before it."""
    with Server(lifetime_s=300, max_slot_wal_keep_size="48MB") as server:
        own = Database(server)
        own.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        one = Capture(own, tmp_path, ["t"], tail=True, advanced=OFTEN)
        try:
            process = one.start().wait_for_active()
            own.write_wal(45)
            wait_for_warning(process, f'replication slot "{own.slot}" will be lost', "max_slot_wal_keep_size", "not known to be stored")
            server.settings.pop("max_slot_wal_keep_size")
            own.execute("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
            one.keep(process.stop())
            own.connection.close()
            server.restart()
            own.connection = own.connect()
            own.write_wal(60)
            own.execute("CHECKPOINT")
            process = one.start()
            newest_state(own, process)
            assert process.stop(limit_s=20 * PATIENCE).stderr.count("will be lost") == 0
        finally:
            one.kill_all()
            own.connection.close()


# Heartbeats.


def lag(process):
    return value(scrape(process), "heartbeat_lag_seconds")


@pytest.mark.usefixtures("table")
def test_heartbeats_show_how_late_a_capture_is(database, capture):
    """Also while nothing is written; and that is not noticed otherwise."""
    process = capture(["t"], tail=True, advanced={"heartbeat_seconds": 1}).start(METRICS_LISTEN="0").wait_for_active()
    process.wait_for(lambda run: lag(run) is not None and lag(run) < 0.2)
    before, states = database.position(), len(process.states)
    database.wait_for(f"SELECT pg_current_wal_lsn() - '0/0' > {before}")
    time.sleep(1.2)
    assert lag(process) < 0.2 * PATIENCE
    if database.connection.server_version >= 150000:  # before, empty transactions are sent
        assert len(process.states) == states
    assert len(process.records) == 0
    process.reading.clear()
    for n in range(20):
        database.execute(f"INSERT INTO t SELECT {n}, repeat('x', {MIB})")
    process.wait_for(lambda run: lag(run) > 1.5)
    process.reading.set()
    process.wait_for(lambda run: lag(run) < 0.2)
    process.stop()


@pytest.mark.usefixtures("table")
def test_no_heartbeat_is_sent_unless_asked_for(database, capture):
    process = capture(["t"], tail=True).start(METRICS_LISTEN="0").wait_for_active()
    assert lag(process) is None
    process.stop()


@pytest.mark.usefixtures("table")
def test_heartbeats_that_are_refused_are_said_once_and_end_nothing(database, capture, role):
    flush = ", boolean" if database.connection.server_version >= 170000 else ""
    database.execute(f"REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text{flush}) FROM PUBLIC")
    one = capture(["t"], tail=True, advanced={"heartbeat_seconds": 1}, **role)
    process = one.start(METRICS_LISTEN="0").wait_for_active()
    wait_for_warning(process, "no heartbeats are sent", "pg_logical_emit_message")
    time.sleep(1.2)
    assert lag(process) is None and process.stop().stderr.count("no heartbeats are sent") == 1


# A large transaction that the server decodes.

KEPT_BY_SERVER = {**OFTEN, "stream_open_transactions": False}
DECODING = re.compile(r"INFO: the server is decoding a large transaction.* nothing has come for \d+ s, (\d+) MiB spilled")


@pytest.fixture(name="large")
def large_transaction(database):
    """large(): of a table that is not captured; it does not fit the memory that the server decodes in."""
    database.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)",
                     "CREATE UNLOGGED TABLE source AS SELECT generate_series(1, 1000000) n",
                     "CREATE TABLE large (n int)")
    database.stream_from(64)
    return lambda: database.execute("INSERT INTO large SELECT n FROM source")


@pytest.mark.since(14)
def test_a_large_transaction_that_is_decoded_is_said(database, capture, large, role):
    one = capture(["t"], tail=True, advanced=KEPT_BY_SERVER, **role)
    one.keep(one.start().wait_for_active().stop())
    large()
    database.execute("INSERT INTO t VALUES (1)")
    process = one.start(METRICS_LISTEN="0")
    wait_for_metric(process, lambda now: (value(now, "lag_seconds") or 0) > 0.3)  # although nothing late is written yet
    assert not process.records
    process.wait_for_records(1)
    said = DECODING.findall(process.stderr)
    assert len(said) == 1 and 0 <= int(said[0]) < 1000, process.story()
    process.stop()


@pytest.mark.since(14)
def test_a_consumer_that_does_not_read_is_not_taken_for_it(database, capture, large):
    one = capture(["t"], tail=True, advanced=KEPT_BY_SERVER)
    process = one.start().wait_for_active()
    process.reading.clear()
    for n in range(30):
        database.execute(f"INSERT INTO t SELECT {n}, repeat('x', {MIB})")
    large()
    database.execute("INSERT INTO t VALUES (100)")
    time.sleep(2)
    assert not DECODING.search(process.stderr), process.story()
    process.reading.set()
    process.wait_for_records(31)
    process.stop()
