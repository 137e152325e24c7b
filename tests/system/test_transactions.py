"""Transactions: nested, prepared, rolled back, large; and the effects of a long one."""

import re
import time
from contextlib import closing

import pytest


@pytest.fixture(name="live")
def live_capture(database, capture):
    """A captured table t with a tailing run, beside a table u that is not captured."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, name text)", "INSERT INTO t VALUES (0, 'old')",
                     "CREATE TABLE u (id int PRIMARY KEY, name text)")
    one = capture(["t"], tail=True)
    one.process = one.start().wait_for_active()
    return one


def settled(live, count):
    """The operations of all records after the first row, once there are `count`; none is missing, and there are no
    others."""
    live.process.wait_for_state(after=1 + count - len(live.records)).stop()
    live.keep(live.process)
    assert len(live.records) == 1 + count
    live.assert_equal(t=["id"])
    return [(record["data"]["_meta"]["op"], record["data"]["id"]) for record in live.records[1:]]


def test_savepoints_and_exceptions(live, database):
    """Subtransactions released, rolled back at two depths, and ended by an exception in PL/pgSQL."""
    database.transaction("INSERT INTO t VALUES (1, 'a')", "SAVEPOINT one", "INSERT INTO t VALUES (2, 'b')",
                         "SAVEPOINT two", "INSERT INTO t VALUES (3, 'no')", "ROLLBACK TO two",
                         "INSERT INTO t VALUES (4, 'd')", "RELEASE one", "SAVEPOINT three",
                         "UPDATE t SET name = 'no'", "SAVEPOINT four", "DELETE FROM t", "ROLLBACK TO three",
                         "UPDATE t SET name = 'e' WHERE id = 1")
    database.execute("""DO $$ BEGIN
        INSERT INTO t VALUES (5, 'f');
        FOR n IN 1..200 LOOP
            BEGIN INSERT INTO t VALUES (100 + n, 'no'); INSERT INTO t VALUES (5, 'twice');
            EXCEPTION WHEN unique_violation THEN UPDATE u SET name = 'none'; END;
            BEGIN INSERT INTO t VALUES (1000 + n, 'yes'); EXCEPTION WHEN unique_violation THEN NULL; END;
        END LOOP; END $$""")
    assert settled(live, 5 + 200)[:5] == [("c", 1), ("c", 2), ("c", 4), ("u", 1), ("c", 5)]


def test_prepared_transactions_come_when_they_are_committed(live, database):
    """In the order of their second commits; with subtransactions; and not at all when they are rolled back."""
    for name, number in (("one", 1), ("two", 2), ("no", 3)):
        database.execute("BEGIN", f"INSERT INTO t VALUES ({number}, 'p')", "SAVEPOINT s",
                         f"INSERT INTO t VALUES ({number + 10}, 'no')", "ROLLBACK TO s",
                         f"INSERT INTO t VALUES ({number + 20}, 'p')", f"INSERT INTO u VALUES ({number}, 'p')",
                         f"PREPARE TRANSACTION '{database.name}_{name}'")
    database.execute("INSERT INTO t VALUES (30, 'between')")
    live.process.wait_for_state(after=2).stop()
    live.keep(live.process)
    live.process = live.start()
    database.execute(f"COMMIT PREPARED '{database.name}_two'", f"ROLLBACK PREPARED '{database.name}_no'",
                     f"COMMIT PREPARED '{database.name}_one'")
    live.process.wait_for_state(after=4).stop()
    live.keep(live.process)
    assert [record["data"]["id"] for record in live.records] == [0, 30, 2, 22, 1, 21]
    live.assert_equal(t=["id"])


def test_a_transaction_that_the_server_spills(live, database):
    """Larger than logical_decoding_work_mem, with changes of both tables, and partly rolled back."""
    live.keep(live.process.stop())
    live.config["advanced"] = {"stream_open_transactions": False}
    database.stream_from(64)
    live.process = live.start()
    database.transaction("INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n",
                         "INSERT INTO u SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n", "SAVEPOINT one",
                         "UPDATE t SET name = 'no'", "ROLLBACK TO one", "UPDATE t SET name = 'y' WHERE id > 4000",
                         "DELETE FROM t WHERE id > 4500", "COPY t FROM PROGRAM 'seq 6001 7000 | sed s/$/,z/' WITH (FORMAT csv)")
    settled(live, 5000 + 1000 + 500 + 1000)
    if database.connection.server_version >= 140000:
        assert database.value("SELECT spill_bytes > 0 FROM pg_stat_replication_slots WHERE slot_name = %s", (database.slot,))


def test_interleaved_transactions_come_in_the_order_of_their_commits(live, database):
    with closing(database.connect()) as first, closing(database.connect()) as second:
        one, two = first.cursor(), second.cursor()
        one.execute("BEGIN; INSERT INTO t VALUES (1, 'a')")
        two.execute("BEGIN; INSERT INTO t VALUES (2, 'b')")
        one.execute("INSERT INTO t VALUES (3, 'a')")
        two.execute("INSERT INTO t VALUES (4, 'b'); COMMIT")
        one.execute("COMMIT")
    assert settled(live, 4) == [("c", 2), ("c", 4), ("c", 1), ("c", 3)]


def test_whom_the_slots_creation_waits_for_is_said(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int)")
    one = capture(["t"], tail=True)
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO u VALUES (1)")
        process = one.start()
        process.wait_for(lambda run: "waits for older transactions" in run.stderr)
        assert f"process {session.get_backend_pid()} (user postgres" in process.stderr
        assert "open for" in process.stderr
        cursor.execute("COMMIT")
    process.wait_for_active().stop()


@pytest.mark.since(14)
def test_a_limit_on_idle_sessions_is_set_aside(database, capture):
    """Connections stand still while the slot waits for a transaction, and while nothing changes."""
    database.execute(f"ALTER DATABASE {database.name} SET idle_session_timeout = '1s'",
                     "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int)")
    one = capture(["t"], tail=True)
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO u VALUES (1)")
        process = one.start()
        process.wait_for(lambda run: "waits for older transactions" in run.stderr)
        cursor.execute("COMMIT")
    process.wait_for_active()
    time.sleep(1.5)
    database.execute("CREATE TYPE letter AS ENUM ('x')", "ALTER TABLE t ADD e letter", "INSERT INTO t VALUES (1, 'x')")
    process.wait_for_records(1).stop()
    assert "interrupted" not in process.stderr, process.stderr


def start_beside_an_old_transaction(database, capture, cursor):
    """A capture that is far ahead of what the server must keep for it, and has said why."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int)")
    one = capture(["t"], advanced={"check_interval": "500ms"})
    one.run()
    cursor.execute("BEGIN; INSERT INTO u VALUES (1)")
    for number in range(4):
        database.execute(f"INSERT INTO t VALUES ({number})", "SELECT pg_switch_wal()", "CHECKPOINT")
    one.run()
    one.tail = True
    return one.start().wait_for(lambda run: "old transactions make the server keep" in run.stderr)


def test_the_session_that_delays_the_release_of_wal_is_logged(database, capture):
    """It looks often, and says it once a minute."""
    with closing(database.connect()) as session, session.cursor() as cursor:
        process = start_beside_an_old_transaction(database, capture, cursor)
        assert f"process {session.get_backend_pid()} (user postgres, open for" in process.stderr
        time.sleep(3)
        assert process.stderr.count("old transactions make the server keep") == 1, "only the seconds differ"
        process.stop()
    line, more = [line for line in process.stderr.splitlines() if "old transactions make the server keep" in line]
    assert re.search(r"keep \d+ MiB of WAL", line), line
    seconds = [int(re.search(r"open for (\d+) s", one)[1]) for one in (line, more)]
    assert seconds[1] > seconds[0] and re.search(r"\(\d+ more times?\)$", more), process.stderr


def test_what_no_longer_delays_the_release_of_wal_is_not_logged_again(database, capture):
    with closing(database.connect()) as session, session.cursor() as cursor:
        process = start_beside_an_old_transaction(database, capture, cursor)
        time.sleep(1.5)
        cursor.execute("ROLLBACK")
    time.sleep(2)
    assert process.stop().stderr.count("old transactions make the server keep") == 1, process.stderr


def test_an_idle_capture_releases_wal_at_its_next_start(database, capture):
    """Beside a busy table: without tail, the state holds the position that was reached."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int)")
    one = capture(["t"])
    one.run()
    position = "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = %s"
    before = database.value(position, (database.slot,))
    database.execute("INSERT INTO u SELECT generate_series(1, 1000)", "SELECT pg_switch_wal()", "CHECKPOINT")
    one.run()
    one.tail = True
    process = one.start()
    database.wait_for(f"SELECT confirmed_flush_lsn = '{one.state[0]['global']['shared_state']['cursor']}' AND restart_lsn - '0/0' > {before}"
                      f" FROM pg_replication_slots WHERE slot_name = '{database.slot}'")
    process.stop()
