"""Tables without key, which are read in ctid order: all chunks of a run see one snapshot, so that each row comes once,
as it was, whatever is written meanwhile, also after savepoints."""

import contextlib
import signal
import time
from contextlib import closing

import pytest

from again import SOON, assert_said_again, resume_from, kill_in_backfill, location, said_again, stand_still
from capture import stream
from connector import PATIENCE
from oracle import Versions
from test_join import look_again
from writer import Writer

pytestmark = pytest.mark.every_other

ROWS = 4000
SMALL = {"backfill_chunk_size": 20, **SOON}
TABLES = ("CREATE SEQUENCE versions", "CREATE TABLE first (id int PRIMARY KEY)",
          f"INSERT INTO first SELECT generate_series(1, {ROWS})",
          "CREATE TABLE t (id int, v bigint DEFAULT nextval('versions'), filler text DEFAULT repeat('x', 200))",
          "ALTER TABLE t REPLICA IDENTITY FULL", f"INSERT INTO t SELECT n FROM generate_series(1, {ROWS}) n")
UPDATE = "UPDATE t SET v = nextval('versions') WHERE id "


@pytest.fixture(name="one")
def capture_of_two(database, capture):
    """The table without key comes after another one, with a single worker."""
    database.execute(*TABLES)
    return capture(["first", "t"], advanced=SMALL)


def pause(one, table, after=50):
    """Run, or continue, until some rows of the table are out; then the process is paused."""
    seen = []
    process = one.runs[-1] if one.runs and one.runs[-1].process.poll() is None else one.start()
    at = lambda message: message["type"] == "RECORD" and message["record"]["stream"] == table and (  # noqa: E731
        seen.append(1) or len(seen) >= after)
    if process.paused.is_set():
        process.go_on(at)
    else:
        process.pause_at = at
    process.wait_until_paused()
    assert len(process.records_of(table)) < ROWS - 500, "the backfill is nearly over: this test tests nothing"
    return process


def assert_equal(one, lives=1):
    """Check that each version of a row came once, and that the newest is the table's."""
    oracle = Versions("public", "t", lives=lives)
    one.materialised({"first": ["id"], "t": oracle}).assert_equal(one.database)
    return oracle


def finish(one, process):
    one.keep(process.go_on().succeed())
    one.run()
    return process


def test_each_page_is_read_once(one, database):
    """Before version 14 the condition of a range of pages would scan the whole table for each chunk."""
    before = database.value("SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE relname = 't'")
    one.run()
    assert_equal(one)
    database.wait_for("SELECT seq_tup_read + idx_tup_fetch > 0 FROM pg_stat_user_tables WHERE relname = 'first'")
    scans = database.value("SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = 't'") - before
    assert scans <= 2, scans


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "ROLLBACK TO SAVEPOINT s; COMMIT", "PREPARE TRANSACTION '{name}'"])
def test_a_transaction_with_savepoints_that_is_open_at_the_beginning(one, database, end):
    """No snapshot lists the ids of its subtransactions. It ends when some rows of the table are out."""
    pause(one, "first")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO t SELECT 10000; SAVEPOINT s; INSERT INTO t SELECT generate_series(10001, 10010);"
                       f" {UPDATE} > {ROWS - 10} AND id <= {ROWS}; DELETE FROM t WHERE id = {ROWS - 20}")
        if "TO SAVEPOINT" not in end:
            cursor.execute("RELEASE SAVEPOINT s")
        process = pause(one, "t")
        cursor.execute(end.format(name=database.name))
        if end.startswith("PREPARE"):
            cursor.execute(f"COMMIT PREPARED '{database.name}'")
    finish(one, process)
    assert_equal(one)


def test_transactions_that_are_open_when_the_table_joins(database, capture):
    """Its snapshot is taken while the capture runs; the next run must know what it hides."""
    database.execute(*TABLES)
    one = capture(["first"], tail=True, advanced=SMALL)
    one.process = one.start().wait_for_active()
    insert = "INSERT INTO t SELECT nextval('versions') + 100000"
    make = lambda _: ["SAVEPOINT s", insert, "RELEASE s", "SELECT pg_sleep(0.1)"]  # noqa: E731
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(Writer(database, make, seed)) for seed in range(4)]
        while not all(writer.transactions for writer in writers):
            time.sleep(0.01)
        one.streams.append(stream("t"))
        seen = []
        one.process.pause_at = lambda message: "snapshot" in message.get("record", {}).get("data", {}).get("_meta", {}).get(
            "source", {}) and (seen.append(1) or len(seen) >= 400)
        look_again(one)
        one.process.wait_until_paused()
        one.keep(one.process.kill())
    one.tail = False
    one.run()
    assert_equal(one)


def test_a_transaction_with_savepoints_that_ends_after_the_backfill(one, database):
    pause(one, "first")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; SAVEPOINT s; INSERT INTO t SELECT generate_series(10001, 10010); RELEASE s")
        pause(one, "t")
        one.keep(one.runs[-1].go_on().succeed())
        cursor.execute("COMMIT")
    one.run()
    assert_equal(one)


def test_transactions_with_released_savepoints_that_are_open_at_the_beginning(one, database):
    """A released subtransaction does not hold a lock on its id any more; the next run must know the id nevertheless."""
    insert = "INSERT INTO t SELECT nextval('versions') + 100000"
    make = lambda _: ["SAVEPOINT s", insert, "RELEASE s", "SELECT pg_sleep(0.1)"]  # noqa: E731
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(Writer(database, make, seed)) for seed in range(4)]
        stack.enter_context(Writer(database, lambda _: ["SELECT txid_current()"], pause_s=0.002))  # younger ones end
        while not all(writer.transactions for writer in writers):
            time.sleep(0.01)
        one.keep(pause(one, "t", 400).kill())
    assert "nothing tells" not in one.run().stderr
    assert_equal(one)


@pytest.mark.parametrize("joins", [True, False])
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "ROLLBACK TO SAVEPOINT s; COMMIT"])
def test_a_transaction_with_savepoints_that_is_open_when_its_table_joins(one, database, end, joins):
    """A run that continues, or has a slot that was made before: nothing had to wait for these transactions."""
    if joins:
        joining = one.streams.pop()
        one.run()
        one.streams.append(joining)
    else:
        database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES",
                         f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO t SELECT 10000; SAVEPOINT s; INSERT INTO t SELECT generate_series(10001, 10010);"
                       f" {UPDATE} > {ROWS - 10} AND id <= {ROWS}; DELETE FROM t WHERE id = {ROWS - 20}")
        if "TO SAVEPOINT" not in end:
            cursor.execute("RELEASE SAVEPOINT s")
        database.execute(f"INSERT INTO first VALUES ({ROWS + 1})", "INSERT INTO t (id) VALUES (-1)")
        process = one.start()
        process.wait_for(lambda run: run.records_of("first") or "waits for" in run.stderr)
        time.sleep(0.2)
        cursor.execute(end)
    one.keep(process.succeed())
    one.run()
    assert_equal(one)


def test_a_transaction_with_savepoints_over_a_kill(one, database):
    """The next run cannot ask any more which ids they had: it knows them from its state, or the table is backfilled
    again and the log says why."""
    pause(one, "first")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; SAVEPOINT s; INSERT INTO t SELECT generate_series(10001, 10010); {UPDATE} > {ROWS - 10};"
                       f" DELETE FROM t WHERE id = {ROWS - 20}; RELEASE s")
        process = pause(one, "t", 500)
        one.keep(process.kill())
        cursor.execute("COMMIT")
    process = one.run()
    one.run()
    assert assert_equal(one, lives=2).life == 1 + len(said_again(process)), process.story()


def test_all_chunks_see_one_snapshot(one, database):
    """Rows that are changed or deleted before they are read come as they were, and then what was done to them."""
    process = pause(one, "t")
    before = database.query("SELECT id, v FROM t ORDER BY id")
    database.execute(UPDATE + "% 2 = 0", "DELETE FROM t WHERE id > 3900", "INSERT INTO t SELECT generate_series(10001, 10100)",
                     "VACUUM t")
    finish(one, process)
    creates = [(record["data"]["id"], record["data"]["v"]) for record in one.records
               if record["stream"] == "t" and location(record)[0] == -1]
    assert sorted(creates) == before
    assert_equal(one)


def test_the_connection_that_holds_the_snapshot_is_lost(one, database):
    """Then rows are identified by transaction ids, as in a run that continues, and each comes once; or the table is
    backfilled again."""
    with Writer(one.database, write, 1, 0.001), Writer(one.database, write, 2, 0.002, commit_share=0.7):
        process = one.start()
        stand_still(process)
        assert database.end_sessions("source-postgres snapshot") == 1
        one.keep(resume_from(process).succeed())
        one.run()
    one.run()
    told = "the connection that held the snapshot of table public.t was lost" in process.stderr
    assert told != bool(said_again(process)), process.story()
    assert_equal(one, lives=1 + len(said_again(process)))


def test_the_snapshot_ends_with_the_backfill(one, database):
    """As long as it is open, vacuum cannot remove rows anywhere in the database."""
    one.tail = True
    process = one.start().wait_for_active()
    database.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'source-postgres snapshot'"
                      " AND datname = current_database())")
    database.execute("TRUNCATE t")  # it is backfilled again, in a snapshot of its own
    database.execute("INSERT INTO t SELECT n FROM generate_series(1, 10) n")
    process.wait_for_records(2 * ROWS + 10)
    database.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'source-postgres snapshot'"
                      " AND datname = current_database())")
    process.stop()


def test_places_that_are_used_again(one, database):
    """New rows fill the space that a vacuum frees: none of them is taken for a row of the snapshot."""
    process = pause(one, "t")
    for n in range(5):
        database.execute(f"DELETE FROM t WHERE id % 7 = {n}", "VACUUM t",
                         f"INSERT INTO t SELECT generate_series({10000 + 1000 * n}, {10200 + 1000 * n})")
    finish(one, process)
    assert_equal(one)


def write(chance):
    """Transactions with savepoints, of which some are taken back."""
    n, new = chance.randint(1, ROWS), chance.randint(20000, 1000000)
    return ["SAVEPOINT one", f"INSERT INTO t SELECT {new} WHERE NOT EXISTS (SELECT FROM t WHERE id = {new})",
            UPDATE + f"= {n}", "SAVEPOINT two", f"DELETE FROM t WHERE id = {chance.randint(1, ROWS)}",
            chance.choice(("RELEASE one", "ROLLBACK TO two", "ROLLBACK TO one", "RELEASE two")), UPDATE + f"= {n + 1}"]


@pytest.mark.parametrize("workers, key", [(1, None), (4, None), (4, ["id"]), (4, ["id", "filler"])])
def test_writers_with_savepoints_beside_the_backfill(one, workers, key):
    """Also with a chosen key that no index guarantees."""
    one.streams[1] = stream("t", key=key)
    one.config["advanced"]["backfill_workers"] = workers
    with Writer(one.database, write, 1, 0.001), Writer(one.database, write, 2, 0.002, commit_share=0.7):
        one.run()
        one.run()
    one.run()
    assert_equal(one)


def linger(chance):
    """One that is open for a while, as some always are."""
    return ["INSERT INTO t SELECT nextval('versions') + 2000000", "SAVEPOINT s", *write(chance)[1:3],
            "INSERT INTO t SELECT nextval('versions') + 2000000", "RELEASE s", "SELECT pg_sleep(0.2)"]


def test_transactions_with_savepoints_are_always_open(one, database):
    """While the slot is made, when the snapshot is taken, and over every chunk."""
    with contextlib.ExitStack() as stack:
        for seed in range(6):
            stack.enter_context(Writer(database, linger, seed))
        stack.enter_context(Writer(database, write, 7, 0.001))
        one.run()
        one.run()
    one.run()
    assert_equal(one)


def test_writers_with_savepoints_beside_runs_that_are_killed(one):
    """A run that continues is as exact as one that is not interrupted; or the table is backfilled again, and the log
    says so."""
    said = 0
    with Writer(one.database, write, 1, 0.001), Writer(one.database, write, 2, 0.002, commit_share=0.7):
        for after in (200, 500, 900):
            process = pause(one, "t", after).kill()
            said += len(said_again(process))
            one.keep(process)
    process = one.run()
    one.run()
    oracle = assert_equal(one, lives=None)
    said += len(said_again(process))
    assert oracle.life <= 1 + said, f"{oracle.life} lives, {said} of them said"
    left_over = oracle.left_over(one.database)
    assert said or not left_over, f"of these rows no delete came, and nothing was said: {left_over}"


@pytest.mark.parametrize("rewrite", ["VACUUM FULL t", "ALTER TABLE t ADD more uuid DEFAULT gen_random_uuid()", "TRUNCATE t"])
def test_a_rewrite_between_two_chunks(one, database, rewrite):
    """The capture continues: the table is backfilled again, or its snapshot still shows it; the other one is not."""
    process = pause(one, "t")
    one.unreported["t"] = [database.position()]
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20s'")
        process.go_on()
        cursor.execute(rewrite)
        cursor.execute("INSERT INTO t (id) VALUES (10001)")
    one.keep(process.succeed())
    one.run()
    oracle = Versions("public", "t", lives=2)
    one.materialised({"first": ["id"], "t": oracle}).assert_equal(database)


def test_a_row_that_is_waited_for_holds_back_no_other_table(one, database):
    """An open transaction that writes to the table without key: the other table is captured meanwhile."""
    one.tail = True
    pause(one, "first")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; SAVEPOINT s; INSERT INTO t SELECT generate_series(10001, 10010); RELEASE s")
        process = one.runs[-1].go_on()
        process.wait_for(lambda run: len(run.records_of("first")) == ROWS)
        database.execute(f"INSERT INTO first VALUES ({ROWS + 1})")
        process.wait_for(lambda run: len(run.records_of("first")) == ROWS + 1, 20 * PATIENCE)
        cursor.execute("COMMIT")
    process.wait_for_active()
    one.keep(process.stop(signal.SIGTERM))
    one.tail = False
    one.run()
    assert_equal(one)


def test_watermarks_that_do_not_come_over_a_kill(database, capture):
    """Later chunks wait as well: the next run reads no row twice."""
    rows = 5 * ROWS
    database.execute(*(statement for statement in TABLES if "first" not in statement), f"INSERT INTO t SELECT generate_series({ROWS + 1}, {rows})")
    one = capture(["t"], advanced={"backfill_chunk_size": 20})
    process = one.start().wait_for(lambda run: run.records_of("t"))
    database.execute(f"ALTER PUBLICATION {database.publication} DROP TABLE {database.watermarks}",
                     f"ALTER PUBLICATION {database.publication} ADD TABLE {database.watermarks}")
    time.sleep(0.5)
    one.keep(process.kill())
    assert not said_again(one.run())
    one.materialised({"t": Versions("public", "t", lives=1)}).assert_equal(database)


@pytest.mark.parametrize("ranges", [[{"until": ["(3,0)"]}], [{"until": ["(3,0)"]}, {"scanned": ["(5,0)"]}]])
def test_a_state_of_which_chunks_came_out_of_order(database, capture, ranges):
    """Earlier versions wrote such states. The range has an end, but rows must be read to the table's end: it is
    backfilled again."""
    database.execute(*(statement for statement in TABLES if "first" not in statement))
    one = capture(["t"], advanced=SMALL)
    kill_in_backfill(one, ROWS)
    one.state[0]["global"]["stream_states"][0]["stream_state"]["ranges"] = ranges
    assert_said_again(one.run())
    one.materialised({"t": Versions("public", "t", lives=2)}).assert_equal(database)
