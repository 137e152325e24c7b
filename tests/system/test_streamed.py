"""Transactions that the server sends while they are still open."""

from contextlib import ExitStack, closing

import pytest

from again import SOON
from connector import PATIENCE
from test_crash import crash_at, has_crash_points
from test_metrics import scrape, value, wait_for_metric

pytestmark = pytest.mark.since(14)

ROWS = 2000
TABLE = ("CREATE TABLE t (id bigint PRIMARY KEY, n int DEFAULT 0, filler text DEFAULT repeat('x', 100))",
         f"INSERT INTO t SELECT generate_series(1, {ROWS})")


@pytest.fixture(name="one")
def streamed_capture(database, capture):
    database.execute(*TABLE)
    database.stream_from(64)
    return capture(["t"], tail=True, advanced=SOON)


def insert(first, count=ROWS):
    return f"INSERT INTO t SELECT generate_series({first}, {first + count - 1})"


def streamed(database, what="stream_txns"):
    """How many transactions, or bytes, the server has sent before their end; it counts each."""
    return database.value(f"SELECT coalesce((SELECT {what} FROM pg_stat_replication_slots WHERE slot_name = '{database.slot}'), 0)")


def finish(one):
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


def stop(one, process):
    one.keep(process.stop())
    one.database.wait_for(f"SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = '{one.database.slot}'")
    assert "interrupted" not in process.stderr
    finish(one)


def records(process):
    return [(record["data"]["id"], record["data"]["_meta"]["op"]) for record in process.records]


def test_large_transactions_come_whole_and_in_the_order_of_their_commits(one, database):
    """Three that are open together, small ones between their parts, and in each a savepoint that is rolled back."""
    process = one.start().wait_for_active()
    with ExitStack() as stack:
        sessions = [stack.enter_context(closing(database.connect())).cursor() for _ in range(3)]
        for n, session in enumerate(sessions):
            session.execute(f"BEGIN; {insert(10000 * (n + 1))}")
        database.execute("INSERT INTO t VALUES (-1)")
        for n, session in enumerate(sessions):
            session.execute(f"SAVEPOINT s; {insert(10000 * (n + 1) + 5000)}; SAVEPOINT u; UPDATE t SET n = 7 WHERE id = {n + 1}; ROLLBACK TO s")
            session.execute(f"SAVEPOINT k; UPDATE t SET n = 1 WHERE id BETWEEN {10000 * (n + 1)} AND {10000 * (n + 1) + 99}; RELEASE k")
        database.execute("INSERT INTO t VALUES (-2)")
        process.wait_for_state(ROWS + 2)
        for n in (1, 2, 0):
            sessions[n].execute("COMMIT" if n else "ROLLBACK")
    database.execute("INSERT INTO t VALUES (-3)")
    process.wait_for_state(ROWS + 2 + 2 * (ROWS + 100) + 1)
    wanted = [(-1, "c"), (-2, "c")]
    for n in (1, 2):
        first = 10000 * (n + 1)
        wanted += [(row, "c") for row in range(first, first + ROWS)] + [(row, "u") for row in range(first, first + 100)]
    assert records(process)[ROWS:] == wanted + [(-3, "c")]
    stop(one, process)


def test_a_table_that_changes_in_the_transaction(one, database):
    process = one.start().wait_for_active()
    database.transaction(insert(10000), "ALTER TABLE t ADD more text DEFAULT 'more'", insert(20000), "ALTER TABLE t ADD last int DEFAULT 9",
                         "UPDATE t SET n = n + 1", insert(30000))
    process.wait_for_state(7 * ROWS)
    stop(one, process)


def test_a_transaction_that_is_larger_than_memory(one, database):
    """Some 60 MB of it, in the metrics while it is open, and never in our memory."""
    process = one.start(METRICS_LISTEN="0").wait_for_active()
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO t SELECT n, 0, repeat('y', 500) FROM generate_series(10001, 110000) n")
        metrics = wait_for_metric(process, lambda now: value(now, "open_transaction_bytes") > 50e6)
        assert value(metrics, "open_transactions") == 1 and len(process.records) == ROWS
        cursor.execute("COMMIT")
    process.wait_for_state(ROWS + 100000)
    assert value(scrape(process), "open_transactions") == value(scrape(process), "open_transaction_bytes") == 0
    assert process.peak_kib < 55000 * PATIENCE, process.peak_kib
    stop(one, process)


def test_a_prepared_transaction(one, database):
    process = one.start().wait_for_active()
    database.transaction(insert(10000), f"PREPARE TRANSACTION '{database.name}'")
    database.execute("INSERT INTO t VALUES (-1)", f"COMMIT PREPARED '{database.name}'")
    process.wait_for_state(2 * ROWS + 1)
    stop(one, process)


@pytest.mark.parametrize("when", ["open", "given out"])
def test_a_connection_that_is_lost(one, database, when):
    """While the transaction is open; and while it is given out, which a consumer that does not read prolongs."""
    process = one.start().wait_for_active()
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; {insert(10000, 30000)}")
        database.wait_for(f"SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = '{database.slot}'", 20 * PATIENCE)
        if when == "open":
            assert database.end_sessions("source-postgres replication") == 1
        cursor.execute(insert(50000))
        process.reading.clear()
        cursor.execute("COMMIT")
    if when == "given out":
        process.wait_for(lambda run: run.process.poll() is None)
        database.wait_for(f"SELECT pg_current_wal_lsn() = sent_lsn FROM pg_stat_replication WHERE application_name = 'source-postgres replication'")
        assert database.end_sessions("source-postgres replication") == 1
    process.reading.set()
    process.wait_for_state(2 * ROWS + 30000)
    one.keep(process.stop())
    assert "replication interrupted" in process.stderr
    finish(one)


@pytest.mark.parametrize("step", ["block-kept", "transaction-given-out"])
@pytest.mark.skipif(not has_crash_points(), reason="the connector was built without CRASH_POINTS")
def test_a_crash_is_resumed_exactly(one, database, monkeypatch, step):
    one.keep(one.start().wait_for_active().stop())
    for time in (1, 3, 20):
        first = 100000 * time
        database.transaction(insert(first, 20000), f"UPDATE t SET n = n + 1 WHERE id >= {first}")
        crash_at(one, monkeypatch, step, time)
    finish(one)


def test_a_directory_that_cannot_be_written(one, database, tmp_path):
    """The server keeps such transactions then, as before version 14."""
    process = one.start(TMPDIR=str(tmp_path / "none")).wait_for_active()
    database.transaction(insert(10000), insert(20000))
    process.wait_for_state(3 * ROWS)
    one.keep(process.stop())
    assert (f"the file of a transaction that is still open cannot be written in {tmp_path}/none: No such file or directory; the"
            " server keeps such transactions from now on") in process.stderr
    finish(one)


def test_nothing_is_streamed_where_it_is_not_wanted(one, database):
    one.config["advanced"]["stream_open_transactions"] = False
    process = one.start().wait_for_active()
    database.execute(insert(10000))
    process.wait_for_state(2 * ROWS)
    one.keep(process.stop())
    assert not streamed(database)
    finish(one)
