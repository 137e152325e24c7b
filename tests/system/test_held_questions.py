"""Facts that were read at two moments, and do not belong together."""

import signal
import time
from contextlib import closing
from threading import Thread

from again import SOON, resume_from, said_again, stand_still, wait_until_again
from held import Holding
from test_rewrite import HOLLOW, ROWS, SMALL, numbers


def test_a_table_in_ctid_order_is_rewritten_between_examining_and_describing_it(database, capture):
    database.execute("CREATE TABLE t (n int, filler text)", *HOLLOW, database.publish_all)
    with Holding(database.server.port) as proxy:
        one = capture(["t"], advanced=SMALL, port=proxy.port)
        process = one.start()
        stand_still(process)
        proxy.words = b", leaves AS ("
        database.execute("ALTER TABLE t ADD more int")
        resume_from(process)
        assert proxy.held.wait(10), process.story()
        database.execute("VACUUM FULL t")
        proxy.free.set()
        one.keep(process.succeed())
    lost = set(range(1, ROWS + 1)) - set(numbers(one.records))
    assert not lost, f"{len(lost)} rows of {ROWS} are lost\n{process.story()}"


def test_many_columns_come_during_one_backfill(database, capture):
    """Each time the range is given back, and continues."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, filler text)", "ALTER TABLE t ALTER filler SET STORAGE PLAIN",
                     "INSERT INTO t SELECT n, repeat('x', 3000) FROM generate_series(1, 1500) n", "ANALYZE t")
    one = capture(["t"], advanced={"backfill_chunk_size": 20, "backfill_mb_per_second": 1})
    process = one.start().wait_for_records(20)
    for n in range(21):
        database.execute(f"ALTER TABLE t ADD c{n} int")
        count = len(process.records)
        process.wait_for(lambda run, count=count: len(run.records) > count + 20)
    one.keep(process.succeed())
    assert sorted(record["data"]["id"] for record in one.records) == list(range(1, 1501))


def test_a_partition_is_dropped_while_its_rows_are_asked(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)", "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (20)",
                     "CREATE TABLE more (id int PRIMARY KEY)", "INSERT INTO more SELECT generate_series(20, 30)",
                     "INSERT INTO t SELECT generate_series(1, 10)", database.publish_all)
    one = capture(["t"], tail=True, advanced=SOON)
    process = one.start().wait_for_active()
    with closing(database.connect()) as session, session.cursor() as cursor:
        database.execute("BEGIN", "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (20) TO (40)")
        dropper = Thread(target=cursor.execute, args=("BEGIN; LOCK TABLE more",))
        dropper.start()
        time.sleep(0.3)
        database.execute("COMMIT")
        dropper.join()
        database.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE relation = 'more'::regclass AND NOT granted")
        cursor.execute("DROP TABLE more; COMMIT")
    time.sleep(1)
    database.execute("INSERT INTO t VALUES (11)")
    process.wait_for(lambda run: len(run.records) >= 11)
    process.stop()


def test_the_service_connection_is_lost_while_a_base_snapshot_is_asked_for(database, capture):
    database.execute("CREATE TABLE t (n int)", "INSERT INTO t SELECT generate_series(1, 100)", database.publish_all)
    with Holding(database.server.port) as proxy:
        one = capture(["t"], tail=True, advanced=SOON, port=proxy.port)
        process = one.start().wait_for_active()
        proxy.words = b"AS (SELECT pg_catalog.unnest($2::oid[]) UNION SELECT i.inhrelid"
        one.streams[0]["generation_id"] = 2
        one.write_catalog()
        process.process.send_signal(signal.SIGHUP)
        assert proxy.held.wait(10), process.story()
        assert database.end_sessions("source-postgres service") == 1
        proxy.free.set()
        wait_until_again(process)
        process.stop()


def test_a_table_is_truncated_between_a_look_at_its_terms_and_at_its_rows(database, capture):
    """The TRUNCATE is after the position that was noted."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 100)")
    with Holding(database.server.port) as proxy:
        one = capture(["t"], tail=True, advanced=SOON, port=proxy.port)
        process = one.start().wait_for_active()
        proxy.words = b"named(oid,schema,name,count,file,xid,command)"
        database.execute("VACUUM FULL t")
        assert proxy.held.wait(10), process.story()
        time.sleep(0.2)
        proxy.streams.clear()
        database.execute("TRUNCATE t")
        proxy.free.set()
        time.sleep(0.5)
        proxy.streams.set()
        process.wait_for(lambda run: "was truncated" in run.stderr or said_again(run))
        process.stop()
    assert not said_again(process), process.story()
