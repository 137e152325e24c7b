"""Capturing without writing: a role that may read, and no watermarks table."""

import time

import pytest

from capture import stream
from connector import PATIENCE
from test_people import people
from writer import Writer

ROWS = 3000
READ_ONLY = {"read_only_capture": True, "backfill_chunk_size": 100}


@pytest.fixture(name="one")
def read_only_capture(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", f"INSERT INTO t SELECT n, 0 FROM generate_series(1, {ROWS}) n",
                     "CREATE SEQUENCE more", "CREATE TABLE heap (id int, n int)", "ALTER TABLE heap REPLICA IDENTITY FULL",
                     f"INSERT INTO heap SELECT n, 0 FROM generate_series(1, {ROWS}) n",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE t, heap",
                     f"CREATE ROLE reader_{database.name} LOGIN REPLICATION PASSWORD 'of the reader'",
                     f"GRANT SELECT ON t, heap TO reader_{database.name}", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    one = capture(["t", "heap"], user=f"reader_{database.name}", password="of the reader", advanced=READ_ONLY)
    yield one
    one.kill_all()
    database.execute(f"DROP OWNED BY reader_{database.name}", f"DROP ROLE reader_{database.name}")


def changes(chance):
    one = chance.randint(1, ROWS)
    return [chance.choice((f"UPDATE t SET n = n + 1 WHERE id = {one}", f"DELETE FROM t WHERE id = {one}",
                           f"UPDATE t SET id = id + {ROWS} WHERE id = {one}", f"INSERT INTO heap VALUES (nextval('more') + {ROWS}, 1)"))]


def watermarks_tables(database):
    with database.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", (database.watermarks,))
        return cursor.fetchone()[0]


def test_a_role_that_may_only_read_is_enough(one, database):
    one.tail = True
    with Writer(database, changes, pause_s=0.001):
        process = one.start().wait_for_active()
        time.sleep(0.3)
    database.execute("INSERT INTO t VALUES (100000, 1)")
    process.wait_for(lambda run: any(record["data"]["id"] == 100000 for record in run.records_of("t")))
    process.wait_for_state(after=len(process.records))
    one.keep(process.stop())
    one.assert_equal(t=["id"], heap=["id"])
    assert watermarks_tables(database) is None


def test_a_read_of_an_idle_server_ends_at_once(one, database):
    one.run()
    began = time.monotonic()
    one.run()
    assert time.monotonic() - began < 3 * PATIENCE
    one.assert_equal(t=["id"], heap=["id"])


def test_kills_in_the_middle_of_the_backfill(one, database):
    one.tail = True
    one.streams = [stream("t")]
    with Writer(database, changes, pause_s=0.001):
        for count in (300, 900):
            one.keep(one.start().wait_for(lambda run, count=count: len(run.records) > count).kill())
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


def test_status_and_backfill_say_that_nothing_is_written(one):
    one.run()
    config = one.path("config.json", one.config)
    assert "watermarks   none are written" in people("status", "--config", config)
    assert "cannot be asked (advanced.read_only_capture)" in people("backfill", "--config", config, "public.t", code=1)
