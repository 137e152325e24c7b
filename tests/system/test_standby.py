"""Capturing from a standby: nothing is written there, and no transaction id can be trusted."""

import time
from contextlib import closing

import pytest

from capture import Capture
from connector import PATIENCE
from database import Database
from server import Server, major
from standby import Standby, query, until
from writer import Writer

pytestmark = pytest.mark.skipif(major() < 16, reason="a standby decodes WAL from PostgreSQL 16 on")


@pytest.fixture(name="servers", scope="module")
def two_servers():
    with Server() as primary:
        query(primary, "SELECT 1")
        with Standby(primary) as standby:
            yield primary, standby


class Pair:
    """A database at the primary, and the capture's view of it at the standby."""

    def __init__(self, primary, standby, tmp_path):
        self.standby_server, self.primary_server = standby, primary
        self.primary = Database(primary)
        self.tmp_path = tmp_path
        self.captures = []

    def publish(self):
        self.primary.execute(f"CREATE PUBLICATION {self.primary.publication} FOR ALL TABLES")
        self.standby_server.has_all()

    def capture(self, tables, **options):
        advanced = {"read_only_capture": True, **options.pop("advanced", {})}
        one = Capture(self.primary, self.tmp_path, tables, advanced=advanced, port=self.standby_server.port, **options)
        self.captures.append(one)
        return one

    def log_running(self):
        """The record that the creation of a slot at the standby waits for."""
        query(self.primary_server, "SELECT pg_log_standby_snapshot()")


@pytest.fixture(name="pair")
def a_pair(servers, tmp_path):
    pair = Pair(*servers, tmp_path)
    yield pair
    for one in pair.captures:
        one.kill_all()


def start(pair, one):
    process = one.start()
    until(lambda: pair.log_running() or process.process.poll() is not None or process.messages)
    return process


def test_rows_and_changes_come(pair):
    pair.primary.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 5000) n")
    pair.publish()
    one = pair.capture(["t"], tail=True)
    process = start(pair, one).wait_for_active()
    pair.primary.execute("UPDATE t SET v = 'y' WHERE id <= 100", "DELETE FROM t WHERE id > 4990")
    process.wait_for_state(after=5110)
    one.keep(process.stop())
    one.assert_equal(t=["id"])


TABLES = ("CREATE TABLE t (id int PRIMARY KEY, n int, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
          "CREATE TABLE heap (id int, n int)", "ALTER TABLE heap REPLICA IDENTITY FULL")
ROWS = 6000
FILL = (f"INSERT INTO t SELECT n, n, repeat(md5(n::text), 80) FROM generate_series(1, {ROWS}) n",
        f"INSERT INTO heap SELECT n, 0 FROM generate_series(1, {ROWS}) n")
SMALL = {"backfill_chunk_size": 200}


def some_changes(chance):
    one, other = chance.randint(1, ROWS), chance.randint(1, ROWS)
    return [chance.choice((f"UPDATE t SET n = n + 1 WHERE id = {one}", f"UPDATE t SET id = {other}, n = n + 1 WHERE id = {one}",
                           f"DELETE FROM t WHERE id = {one}", f"INSERT INTO t VALUES ({one}, 1, repeat('y', 3000)) ON CONFLICT DO NOTHING",
                           f"UPDATE t SET big = repeat('z', {one}) WHERE id = {other}")),
            f"INSERT INTO heap VALUES ({ROWS} + nextval('more'), 1)"]


@pytest.fixture(name="busy")
def busy_pair(pair):
    pair.primary.execute(*TABLES, "CREATE SEQUENCE more", *FILL)
    pair.publish()
    return pair


def test_rows_that_change_while_they_are_read(busy):
    one = busy.capture(["t", "heap"], tail=True, advanced=SMALL)
    with Writer(busy.primary, some_changes, pause_s=0.001), Writer(busy.primary, some_changes, seed=2, commit_share=0.7):
        process = start(busy, one).wait_for_active()
        time.sleep(0.5)
    busy.primary.execute("INSERT INTO t VALUES (100000, 1, 'last')")
    process.wait_for(lambda run: any(record["data"].get("id") == 100000 for record in run.records))
    process.wait_for_state(after=len(process.records))
    one.keep(process.stop())
    one.assert_equal(t=["id"], heap=["id"])


def test_a_read_ends_though_nothing_is_written(busy):
    one = busy.capture(["t", "heap"], advanced=SMALL)
    start(busy, one).finish()
    busy.standby_server.has_all()
    began = time.monotonic()
    one.keep(one.start().succeed())
    assert time.monotonic() - began < 5 * PATIENCE
    one.assert_equal(t=["id"], heap=["id"])
    assert query(busy.standby_server, f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{busy.primary.slot}' AND NOT active")


def test_kills_and_restarts_of_the_standby(busy):
    """After a crash it may answer before it has replayed what the stream has sent."""
    one = busy.capture(["t"], tail=True, advanced=SMALL)
    with Writer(busy.primary, some_changes, pause_s=0.002):
        process = start(busy, one).wait_for(lambda run: len(run.records) > 500)
        one.keep(process.kill())
        process = one.start().wait_for(lambda run: len(run.records) > 500)
        busy.standby_server.crash()
        busy.standby_server.start()
        process.wait_for_active()
    one.keep(process.kill())
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


def test_without_a_key_a_killed_backfill_begins_again(busy):
    one = busy.capture(["heap"], tail=True, advanced=SMALL)
    with Writer(busy.primary, some_changes, pause_s=0.002):
        process = start(busy, one).wait_for(lambda run: len(run.records) > 500)
        one.keep(process.kill())
    one.tail = False
    process = one.run()
    assert "nothing tells a new run which of them the interrupted backfill was to read" in process.stderr
    one.materialised({"heap": ["id"]}, {("public", "heap"): 2}).assert_equal(busy.primary)


@pytest.mark.parametrize("younger", [True, False])
def test_a_transaction_that_wrote_before_its_table_was_published(pair, younger):
    """Its changes are not in the stream, and the standby shows none of its locks. A transaction with a newer id than
    any that has ended is beyond the end of the standby's snapshots."""
    pair.primary.execute("CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int PRIMARY KEY)",
                         f"CREATE PUBLICATION {pair.primary.publication} FOR TABLE a")
    pair.standby_server.has_all()
    one = pair.capture(["a"])
    one.keep(start(pair, one).succeed())
    publish = f"ALTER PUBLICATION {pair.primary.publication} ADD TABLE b"
    with (closing(pair.primary.connect()) as writing, writing.cursor() as writes,
          closing(pair.primary.connect()) as publishing, publishing.cursor() as publishes):
        publishes.execute("BEGIN; " + (publish if younger else "SELECT"))
        writes.execute("BEGIN; INSERT INTO b VALUES (1)")
        publishes.execute(("SELECT" if younger else publish) + "; COMMIT")
        pair.standby_server.has_all()
        one = pair.capture(["a", "b"], tail=True)
        one.state = pair.captures[0].state
        process = one.start().wait_for(lambda run: "waits for transactions that were writing to it" in run.stderr)
        writes.execute("COMMIT")
        one.keep(process.wait_for_active().stop())
    one.assert_equal(a=["id"], b=["id"])


def test_what_is_missing_is_said(pair):
    one = pair.capture(["t"])
    pair.primary.execute("CREATE TABLE t (id int PRIMARY KEY)")
    pair.standby_server.has_all()
    assert "may not create it at a standby: run as the tables' owner" in refusal(one)
    pair.publish()
    one.config["advanced"] = {}
    assert "no watermarks can be written: connect to its primary, or set advanced.read_only_capture" in refusal(one)


def refusal(one):
    process = one.start().finish()
    assert process.process.returncode
    return process.errors[-1]["message"]


def test_without_its_slot_it_is_taken_for_another_server(pair):
    pair.primary.execute("CREATE TABLE t (id int PRIMARY KEY)")
    pair.publish()
    one = pair.capture(["t"])
    one.keep(start(pair, one).succeed())
    query(pair.standby_server, f"SELECT pg_drop_replication_slot('{pair.primary.slot}') IS NOT NULL")
    process = one.start().finish()
    assert process.errors[-1]["failure_type"] == "transient_error"
    assert "or the replication slot that the capture had on this standby was dropped" in process.errors[-1]["message"]


def test_the_standby_is_promoted(busy, tmp_path):
    """Last: it is a primary from then on."""
    one = busy.capture(["t", "heap"], tail=True, advanced=SMALL)
    with Writer(busy.primary, some_changes, pause_s=0.002):
        process = start(busy, one).wait_for(lambda run: len(run.records) > 500)
    busy.standby_server.has_all()
    busy.standby_server.promote()
    until(lambda: not query(busy.standby_server, "SELECT pg_is_in_recovery()"))
    busy.primary = Database(busy.standby_server, busy.primary.name, create=False)
    with Writer(busy.primary, some_changes, seed=3, pause_s=0.002):
        process.wait_for_active()
        time.sleep(0.3)
    one.keep(process.kill())
    one.tail = False
    one.database = busy.primary
    one.run()
    one.assert_equal(t=["id"], heap=["id"])
