"""Small tables are read many at a time: a problem of one must not affect the others."""

from contextlib import closing, contextmanager

import pytest

from connector import PATIENCE
from held import Holding
from server import major

COUNT = 40
NAMES = [f"t{n:02}" for n in range(COUNT)]
ODD = NAMES[20]  # the one that differs
OTHERS = [name for name in NAMES if name != ODD]
KEYS = {name: ["id"] for name in NAMES}
SLOW = "length(md5(repeat(v, 4000000))) > 0"  # most of a second for its rows


@pytest.fixture
def tables(database):
    database.execute(*(f"CREATE TABLE {name} (id int PRIMARY KEY, v text, n int DEFAULT 7)" for name in NAMES),
                     *(f"INSERT INTO {name} SELECT n, '{name} ' || n FROM generate_series(1, 10) n" for name in NAMES))
    return database


@pytest.fixture
def proxy(database):
    with Holding(database.server.port) as one:
        yield one


@contextmanager
def held(proxy, one):
    """A capture that has described its tables, while the `with` block lasts, and has not read any row of a group of them."""
    proxy.words = b"SET LOCAL lock_timeout"
    one.config["port"] = proxy.port
    process = one.start()
    assert proxy.held.wait(20 * PATIENCE), process.story()
    yield process
    proxy.free.set()


def published(database, slow=None):
    """Each table, and all rows of one only through a condition."""
    listed = [f"{name} WHERE ({slow[name]})" if slow and name in slow else name for name in NAMES]
    database.execute(f"CREATE TABLE {database.watermarks} (slot text PRIMARY KEY, watermark text)",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE {database.watermarks}, {', '.join(listed)}")


def test_they_share_watermarks(tables, capture):
    one = capture(NAMES)
    one.run()
    one.assert_equal(**KEYS)
    tables.wait_for("SELECT n_tup_ins > 0 FROM pg_stat_user_tables WHERE relname = 'watermarks_of_the_test'")
    assert tables.value("SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'watermarks_of_the_test'") < 8
    assert [record["stream"] for record in one.records] == [name for name in NAMES for _ in range(10)]


@pytest.mark.parametrize("change", [f"ALTER TABLE {ODD} ALTER n TYPE bigint; INSERT INTO {ODD} VALUES (12, 'new')",
                                    f"TRUNCATE {ODD}", f"ALTER TABLE {ODD} DROP v"])
def test_a_change_of_one_between_its_description_and_its_rows(tables, capture, proxy, change):
    one = capture(NAMES)
    published(tables)
    with held(proxy, one) as process:
        tables.execute(change)
    one.keep(process.succeed())
    one.assert_equal(**KEYS)
    assert sum(record["stream"] in OTHERS for record in one.records) == 10 * len(OTHERS)


def test_a_lock_on_one_does_not_delay_sessions_that_lock_another(tables, capture, proxy):
    one = capture(NAMES)
    published(tables)
    with closing(tables.connect()) as holder, holder.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '10s'; SET statement_timeout = '5s'")
        with held(proxy, one) as process:
            cursor.execute(f"BEGIN; LOCK TABLE {ODD}")
        tables.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
        cursor.execute(f"LOCK TABLE {NAMES[0]}, {NAMES[1]}")
        cursor.execute("COMMIT")
    one.keep(process.succeed())
    one.assert_equal(**KEYS)


@pytest.mark.skipif(major() < 15, reason="publications have no row filters")
def test_a_row_that_cannot_be_read_is_reported_with_its_table(tables, capture):
    tables.execute(f"INSERT INTO {ODD} VALUES (0, '')")
    published(tables, {ODD: "10 / id > 0"})
    process = capture(NAMES).start().finish()
    assert [error["message"] for error in process.errors] == [f"reading table public.{ODD}: division by zero"], process.story()


@pytest.mark.skipif(major() < 15, reason="publications have no row filters")
@pytest.mark.parametrize("by", ["the server", "a kill"])
def test_an_end_in_the_middle(tables, capture, by):
    """Rows that had been read by then are not lost, and come once."""
    published(tables, {ODD: SLOW})
    one = capture(NAMES)
    process = one.start()
    tables.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
                    f" AND application_name LIKE 'source-postgres backfill%' AND query LIKE '%FROM ONLY \"public\".\"{ODD}\"%'")
    if by == "a kill":
        one.keep(process.kill())
        one.run()
    else:
        assert tables.end_sessions("source-postgres backfill%")
        one.keep(process.succeed())
    one.assert_equal(**KEYS)
    assert len(one.records) == 10 * COUNT
