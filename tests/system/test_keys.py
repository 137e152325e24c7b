"""Every kind of key, backfilled in small chunks while writers change, move and delete rows."""

import pytest

from capture import stream
from kinds import KINDS, TYPES, changes, create
from writer import Writer


@pytest.mark.parametrize("kind", KINDS)
def test_key(database, capture, kind):
    database.execute(*TYPES)
    columns = create(database, kind)
    one = capture(["t"], advanced={"backfill_chunk_size": 13})
    with Writer(database, changes(kind), 1, 0.001), \
            Writer(database, changes(kind), 2, 0.001, commit_share=0.7):
        one.run()
        one.run()
    one.run()
    one.assert_equal(t=columns)


@pytest.mark.parametrize("declared, looks", [("numeric", ["{n}.0", "{n}.000"]), ("citext", ["'key {n}'", "'KEY {n}'"]),
                                             ("interval", ["interval '1 day' * {n}", "interval '24 hours' * {n}"]),
                                             ("float8", ["0.0 / {n}", "'-0'::float8 / {n}"])])
def test_a_key_that_changes_its_look_and_not_its_order(database, capture, declared, looks):
    """To PostgreSQL the keys are equal; to a reader of the records they are two."""
    rows = 1 if declared == "float8" else 300
    database.execute(*TYPES, f"CREATE TABLE t (k {declared} PRIMARY KEY, n int)",
                     *[f"INSERT INTO t VALUES ({looks[0].format(n=n)}, {n})" for n in range(1, rows + 1)])
    one = capture(["t"], advanced={"backfill_chunk_size": 7})

    def make(chance):
        n = chance.randint(1, rows)
        return [f"UPDATE t SET k = {chance.choice(looks).format(n=n)} WHERE n = {n}"]

    with Writer(database, make, 1, 0.001), Writer(database, make, 2, 0.001):
        one.run()
        one.run()
    one.run()
    one.assert_equal(t=["k"])


def test_a_key_override_is_the_key_of_the_capture(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL)",
                     "CREATE UNIQUE INDEX ON t (b, a)", "ALTER TABLE t REPLICA IDENTITY FULL",
                     "INSERT INTO t SELECT n, n % 10, 'b' || n / 10 FROM generate_series(0, 499) n")
    one = capture([stream("t", key=["b", "a"])], advanced={"backfill_chunk_size": 7})
    with Writer(database, lambda chance: [f"UPDATE t SET a = a + 10 WHERE id = {chance.randint(0, 499)}"], 3, 0.001):
        one.run()
    one.run()
    one.assert_equal(t=["b", "a"])


def test_a_key_override_serves_a_table_without_primary_key(database, capture):
    database.execute("CREATE TABLE t (id int NOT NULL UNIQUE, n int)", "ALTER TABLE t REPLICA IDENTITY FULL",
                     "INSERT INTO t SELECT n, n FROM generate_series(1, 500) n")
    one = capture([stream("t", key=["id"])], advanced={"backfill_chunk_size": 50})
    one.run()
    database.execute("UPDATE t SET n = -n WHERE id < 10", "DELETE FROM t WHERE id = 500")
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("unique", ["PRIMARY KEY (order_id, line)", "UNIQUE (order_id) DEFERRABLE INITIALLY DEFERRED",
                                    "EXCLUDE (order_id WITH =)", "CHECK (true)"])
def test_a_key_override_that_may_repeat_loses_no_row(database, capture, unique):
    """No usable index lies within it; chunks that go from one key to the next would lose rows with equal keys."""
    line = "n % 10" if "PRIMARY" in unique else "n"
    order = "n / 10" if "PRIMARY" in unique else "n"
    database.execute(f"CREATE TABLE items (order_id int NOT NULL, line int NOT NULL, t text, {unique})",
                     "CREATE UNIQUE INDEX ON items (order_id) WHERE order_id < 0", "CREATE UNIQUE INDEX ON items (t, order_id)",
                     f"INSERT INTO items SELECT {order}, {line}, 't' || n FROM generate_series(1, 100) n",
                     "ALTER TABLE items REPLICA IDENTITY FULL")
    small = {"backfill_chunk_size": 7}
    one = capture([stream("items", key=["order_id"])], advanced=small)
    one.run()
    assert sorted(record["data"]["t"] for record in one.records) == sorted(f"t{n}" for n in range(1, 101))
    one = capture([stream("items", key=["line", "order_id"] if "PRIMARY" in unique else None)], advanced=small)
    one.run()
    assert len(one.records) == 100
    one.assert_equal(items=["order_id", "line"])
