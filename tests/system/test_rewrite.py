"""Tables without key, which are read in physical order, while rewrites move their rows."""

import time
from contextlib import closing
from threading import Thread

import pytest

from again import resume_from, stand_still
from connector import whole
from refusal import assert_refused

ROWS = 30000
SMALL = {"backfill_chunk_size": 100}
# Free space before the rows, which a rewrite closes.
HOLLOW = ["INSERT INTO t SELECT -n, repeat('x', 100) FROM generate_series(1, 20000) n",
          f"INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, {ROWS}) n", "DELETE FROM t WHERE n < 0", "ANALYZE t"]
WIDE_ROWS = 6000
WIDE = ["ALTER TABLE t ALTER filler SET STORAGE PLAIN", f"INSERT INTO t SELECT -n, repeat('x', 3000) FROM generate_series(1, {WIDE_ROWS // 2}) n",
        f"INSERT INTO t SELECT n, repeat('x', 3000) FROM generate_series(1, {WIDE_ROWS}) n", "DELETE FROM t WHERE n < 0", "ANALYZE t"]
REWRITES = ["VACUUM FULL t", "CLUSTER t USING t_n", "ALTER TABLE t ALTER n TYPE bigint", "ALTER TABLE t ALTER n TYPE numeric"]


def is_begun(message):
    return message["type"] == "STATE" and whole(message["state"])["streams"]["public.t"].get("backfilled", 0) > 1000


def numbers(records):
    return [int(record["data"]["n"]) for record in records]


def interrupted(one):
    """A capture that was killed in the middle of its backfill."""
    process = one.keep(one.start(pause_at=is_begun).wait_until_paused().kill())
    assert 1000 < len(one.records) < ROWS
    assert whole(process.states[-1])["streams"]["public.t"]["ranges"][0]["scanned"]
    return len(one.records)


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_rewrite_between_two_runs(database, capture, rewrite):
    database.execute("CREATE TABLE t (n int, filler text)", "CREATE INDEX t_n ON t (n)", *HOLLOW, database.publish_all)
    one = capture(["t"], advanced=SMALL)
    before = interrupted(one)
    database.execute("INSERT INTO t VALUES (-1, 'changed before')", rewrite, "INSERT INTO t VALUES (-2, 'changed after')")
    process = one.run()
    assert "public.t was rewritten" in process.stderr and "come again" in process.stderr
    database.execute("INSERT INTO t VALUES (-3, '')")
    assert "rewritten" not in one.run().stderr
    again = numbers(one.records[before:])
    assert sorted(again) == [-3, -2, -1, *range(1, ROWS + 1)]
    places = [record["data"]["_meta"]["source"]["loc"] for record in one.records[before:]]
    assert places[:2] == [[-1, 0, 0], [-1, 1, 0]]


@pytest.mark.parametrize("rewrite", [*REWRITES[1:], "TRUNCATE t"])
def test_a_rewrite_between_two_chunks(database, capture, rewrite):
    """The table is backfilled again in the same run."""
    database.execute("CREATE TABLE t (n int, filler text)", "CREATE INDEX t_n ON t (n)", *HOLLOW, database.publish_all)
    one = capture(["t"], advanced=SMALL)
    process = one.start()
    process.wait_for(lambda run: any(map(is_begun, list(run.messages))))
    database.transaction("LOCK TABLE t", rewrite, "INSERT INTO t VALUES (-1, '')")
    one.keep(process.succeed())
    if rewrite == "TRUNCATE t" and "backfilled again" not in process.stderr:
        return  # all was read before the lock was granted: the stream has the rest
    assert "public.t was rewritten" in process.stderr and "backfilled again" in process.stderr
    begins = [n for n, record in enumerate(one.records) if record["data"]["_meta"]["source"]["loc"][:2] == [-1, 0]]
    assert len(begins) == 2 and begins[1] > 1000
    again = numbers(one.records[begins[1]:])
    assert sorted(again) == [-1, *(range(1, ROWS + 1) if rewrite != "TRUNCATE t" else [])]
    assert not one.run().records


@pytest.mark.parametrize("rewrite", REWRITES[1:])
def test_a_rewrite_that_waits_for_the_end_of_a_chunk(database, capture, rewrite):
    """The rewrite comes between the chunk and the question of what happened to the table."""
    database.execute("CREATE TABLE t (n int, filler text)", "CREATE INDEX t_n ON t (n)", *WIDE, database.publish_all)
    one = capture(["t"], advanced={"backfill_chunk_size": WIDE_ROWS // 3})
    process = one.start()
    stand_still(process)
    with closing(database.connect()) as session:
        writer = Thread(target=session.cursor().execute, args=(f"BEGIN; LOCK TABLE t; {rewrite}; INSERT INTO t VALUES (-1, ''); COMMIT",))
        writer.start()
        while writer.is_alive() and not database.value("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"):
            time.sleep(0.05)  # it need not wait, should no chunk be under way
        one.keep(resume_from(process).succeed())
        writer.join()
    in_time = len(process.records) > WIDE_ROWS + 1  # else all was read before the process stood still
    assert ("public.t was rewritten" in process.stderr) == ("backfilled again" in process.stderr) == in_time
    one.run()
    assert not set(range(1, WIDE_ROWS + 1)) - set(numbers(one.records))


def test_what_does_not_move_rows_changes_nothing(database, capture):
    database.execute("CREATE TABLE t (n int, filler text)", *HOLLOW, database.publish_all)
    one = capture(["t"], advanced=SMALL)
    interrupted(one)
    database.execute("VACUUM t", "ALTER TABLE t ADD more int DEFAULT 7", "ANALYZE t", "CREATE INDEX ON t (n)")
    assert "rewritten" not in one.run().stderr
    assert sorted(numbers(one.records)) == list(range(1, ROWS + 1))


def test_a_partitioned_table_without_key(database, capture):
    """Its partitions are read page by page beside each other; the largest says how many there are."""
    database.execute("CREATE TABLE t (n int, filler text) PARTITION BY RANGE (n)",
                     "CREATE TABLE low PARTITION OF t FOR VALUES FROM (-50000) TO (20000)",
                     "CREATE TABLE high PARTITION OF t FOR VALUES FROM (20000) TO (50000) PARTITION BY RANGE (n)",
                     "CREATE TABLE higher PARTITION OF high DEFAULT", *HOLLOW, database.publish_all)
    one = capture(["t"], advanced=SMALL)
    interrupted(one)
    database.execute("CREATE TABLE new PARTITION OF t DEFAULT", "INSERT INTO t VALUES (60000, '')")
    process = one.start(pause_at=lambda message: is_begun(message) and whole(message["state"])["streams"]["public.t"][
        "backfilled"] > 15000).wait_until_paused().kill()
    one.keep(process)
    assert "rewritten" not in process.stderr
    before = len(one.records)
    database.execute("VACUUM FULL low")
    assert "public.t was rewritten" in one.run().stderr
    assert sorted(numbers(one.records[before:])) in ([*range(1, ROWS + 1)], [*range(1, ROWS + 1), 60000])


def test_rows_that_take_more_room_than_their_pages_show(database, capture):
    """Kept outside of the pages, 30 MB of them: a query reads few pages, as its rows cannot be divided otherwise."""
    database.execute("CREATE TABLE big (n int, body text)", "ALTER TABLE big ALTER body SET STORAGE EXTERNAL",
                     "INSERT INTO big SELECT n, repeat('x', 30000) FROM generate_series(1, 1000) n", database.publish_all)
    one = capture(["big"], advanced={"memory_limit_mb": 16})
    process = one.run()
    assert "trying with fewer" in process.stderr
    assert [record["data"]["n"] for record in process.records] == list(range(1, 1001))


def test_a_page_whose_rows_take_more_room_than_there_is(database, capture):
    database.execute("CREATE TABLE big (n int, body text)", "ALTER TABLE big ALTER body SET STORAGE EXTERNAL",
                     "INSERT INTO big SELECT n, repeat('x', 300000) FROM generate_series(1, 100) n", database.publish_all)
    one = capture(["big"], advanced={"memory_limit_mb": 16})
    assert_refused(one.start().finish(), "config_error", "memory_limit_mb")
    one.config["advanced"]["memory_limit_mb"] = 100
    assert len(one.run().records) == 100
