"""What slows a backfill down on purpose: a rate, and standbys that are behind."""

import os
import re
import time

import pytest

from capture import stream
from connector import PATIENCE
from test_failover import Standby
from test_metrics import scrape, value


@pytest.fixture(name="table")
def a_table(database):
    database.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)")


# The backfill's rate.


def fill(database, rows, kib, table="t"):
    database.execute(f"INSERT INTO {table} SELECT n, repeat('x', {kib} * 1024) FROM generate_series(1, {rows}) n", f"ANALYZE {table}")


@pytest.mark.usefixtures("table")
def test_workers_keep_to_the_rate_together(database, capture):
    fill(database, 200, 30)
    one = capture(["t"], tail=True, advanced={"backfill_mb_per_second": 3, "backfill_workers": 2, "backfill_chunk_size": 7})
    begun = time.monotonic()
    process = one.start(METRICS_LISTEN="0").wait_for_records(1)
    for n in range(1, 200, 9):
        database.execute(f"UPDATE t SET v = 'new' WHERE id = {n}", f"DELETE FROM t WHERE id = {n + 1}")
    process.wait_for_active()
    assert 1.5 < time.monotonic() - begun < 6 * PATIENCE
    assert value(scrape(process), "backfill_throttled_seconds_total", reason="rate") > 0
    one.keep(process.stop())
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.usefixtures("table")
def test_a_stop_does_not_wait_for_the_rate(database, capture):
    fill(database, 6, 8 * 1024)
    process = capture(["t"], tail=True, advanced={"backfill_mb_per_second": 1, "backfill_chunk_size": 1}).start().wait_for_records(1)
    begun = time.monotonic()
    process.stop()
    assert time.monotonic() - begun < 2 and len(process.records) < 6


# Standbys of the server.

WAITS = 'the backfill waits for standby "walreceiver", which is more than 2 MiB behind'


@pytest.fixture(name="standby", scope="module")
def a_standby(server):
    if "PG_BINDIR" in os.environ:
        pytest.skip("pg_basebackup comes with another package")
    with Standby(server) as standby:
        yield standby


@pytest.fixture(name="behind")
def standby_that_is_behind(standby, database):
    """behind(): it replays nothing any more; behind(False): it does."""
    connection = standby.connect()

    def pause(so=True):
        with connection.cursor() as cursor:
            if so:
                cursor.execute("SELECT pg_wal_replay_pause()")
                while cursor.execute("SELECT pg_get_wal_replay_pause_state()") or cursor.fetchone()[0] != "paused":
                    database.execute("SELECT pg_logical_emit_message(true, 'the test', '')")
                database.write_wal(3)
            else:
                cursor.execute("SELECT pg_wal_replay_resume()")

    yield pause
    pause(False)
    connection.close()


@pytest.mark.since(14)
@pytest.mark.usefixtures("table")
def test_a_backfill_waits_for_a_standby_and_changes_do_not(database, capture, behind):
    database.execute("CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 100)")
    one = capture(["other"], advanced={"backfill_max_standby_lag_mb": 2})
    one.run()
    behind()
    one.streams, one.tail = [stream("other"), stream("t")], True
    process = one.start(METRICS_LISTEN="0").wait_for(lambda run: WAITS in run.stderr)
    database.execute("INSERT INTO other VALUES (1)", "UPDATE t SET v = 'new' WHERE id < 10", "DELETE FROM t WHERE id = 20")
    process.wait_for(lambda run: run.records_of("other"))
    time.sleep(1)
    assert not process.records_of("t")
    behind(False)
    process.wait_for_active()
    assert value(scrape(process), "backfill_throttled_seconds_total", reason="standby") >= 1
    one.keep(process.stop())
    one.assert_equal(t=["id"], other=["id"])
    assert process.stderr.count("the backfill waits for standby") == 1


@pytest.mark.since(14)
@pytest.mark.usefixtures("table")
def test_a_stop_does_not_wait_for_a_standby(database, capture, behind):
    database.execute("INSERT INTO t VALUES (1)")
    behind()
    process = capture(["t"], advanced={"backfill_max_standby_lag_mb": 2}).start().wait_for(lambda run: WAITS in run.stderr)
    begun = time.monotonic()
    process.stop()
    assert time.monotonic() - begun < 2


@pytest.mark.since(14)
@pytest.mark.usefixtures("table")
def test_a_hidden_standby_is_logged_once_with_the_remedy(database, capture, behind, user):
    database.execute(f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, {database.watermarks}",
                     "INSERT INTO t SELECT generate_series(1, 100)")
    may_only_read = user("REPLICATION", "GRANT SELECT ON t TO {user}", f"GRANT ALL ON {database.watermarks} TO {{user}}")
    behind()
    one = capture(["t"], advanced={"backfill_max_standby_lag_mb": 2, "backfill_chunk_size": 10}, **may_only_read)
    process = one.start().succeed()
    said = re.findall(r"cannot be seen.*: run (GRANT .*)", process.stderr)
    assert len(said) == 1 and len(process.records) == 100
    database.execute(said[0])
    one.start().wait_for(lambda run: WAITS in run.stderr).stop()
