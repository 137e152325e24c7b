"""advanced.emit_truncates: a record for each TRUNCATE. Rows that it removed come before it, and later rows after it."""

import pytest

from again import location, pause_in_backfill
from connector import run
from oracle import Versions
from test_airbyte_look import configure
from writer import Writer

ON = {"emit_truncates": True}
TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 40) n")


def operations(records, table="t"):
    return [record["data"]["_meta"]["op"] for record in records if record["stream"] == table]


def finish(one, database, keys=None, truncates=None, **lives):
    one.tail = False
    one.run()
    result = one.materialised(keys or {"t": ["id"]}, lives)
    result.assert_equal(database)
    told = sum(oracle.truncates for oracle in result.oracles.values())
    assert truncates is None or told == truncates, f"{told} truncates were told, {truncates} are expected"


def test_a_truncate_is_a_record_of_its_table(database, capture):
    database.execute(*TABLE)
    one = capture(["t"], tail=True, advanced={**ON, "source_tag": "tag"})
    process = one.start().wait_for_active()
    database.transaction("INSERT INTO t VALUES (100, 'before')", "TRUNCATE t", "INSERT INTO t VALUES (1, 'behind')")
    process.wait_for_records(43)
    assert operations(process.records)[40:] == ["c", "t", "c"]
    before, record, behind = process.records[40:43]
    meta = record["data"].pop("_meta")
    assert record["data"] == {} and record["namespace"] == "public" and record["stream"] == "t"
    source = before["data"]["_meta"]["source"]
    assert meta == {"op": "t", "source": {**source, "loc": meta["source"]["loc"]}} and source["tag"] == "tag"
    assert location(before) < meta["source"]["loc"] < location(behind)
    record["data"]["_meta"] = meta
    assert "was truncated" not in process.stderr
    process.wait_for_state(after=43)
    one.keep(process.stop())
    finish(one, database, truncates=1, t=None)


def test_nothing_is_emitted_unless_it_is_asked_for(database, capture):
    database.execute(*TABLE)
    process = capture(["t"], tail=True).start().wait_for_active()
    database.execute("TRUNCATE t", "INSERT INTO t VALUES (1, 'behind')")
    process.wait_for_records(41)
    assert operations(process.records) == 41 * ["c"] and "was truncated" in process.stop().stderr


@pytest.mark.parametrize("state_type", ["global", "stream"])
def test_a_truncate_while_the_capture_does_not_run_is_reported_alone(database, capture, state_type):
    """To a look the table is new, but the stream explains it: no row is read again."""
    database.execute(*TABLE)
    one = capture(["t"], advanced={**ON, "state_type": state_type})
    one.run()
    database.execute("INSERT INTO t VALUES (100, 'before')", "TRUNCATE t", "INSERT INTO t VALUES (1, 'behind')")
    process = one.run()
    assert operations(process.records) == ["c", "t", "c"] and "WARN" not in process.stderr, process.story()
    assert not one.run().records
    one.materialised({"t": ["id"]}).assert_equal(database)


def test_several_tables_have_a_record_each(database, capture):
    database.execute(*TABLE, "CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t)", "INSERT INTO u VALUES (1, 1)",
                     "CREATE TABLE other (id int PRIMARY KEY)")
    one = capture(["t", "u"], tail=True, advanced=ON)
    process = one.start().wait_for_active()
    database.execute("TRUNCATE t, other CASCADE")
    process.wait_for_state(after=43)
    assert sorted(record["stream"] for record in process.records[41:]) == ["t", "u"]
    one.keep(process.stop())
    one.materialised({"t": ["id"], "u": ["id"]}).assert_equal(database)


def test_in_the_middle_of_a_backfill(database, capture):
    database.execute(TABLE[0], "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 3000) n")
    one = capture(["t"], tail=True, advanced={**ON, "backfill_chunk_size": 10, "check_interval": "1s"})
    process = pause_in_backfill(one, 3000)
    database.transaction("INSERT INTO t VALUES (9998, 'before')", "TRUNCATE t", "INSERT INTO t VALUES (1, 'behind'), (9999, 'behind')")
    process.go_on().wait_for_active()
    assert operations(process.records).count("t") == 1 and len(process.records) < 3000
    one.keep(process.stop())
    finish(one, database, truncates=1)


@pytest.mark.parametrize("ctid_order", [False, True])
def test_beside_writers_and_kills(database, capture, ctid_order):
    """Crashes while rows come and go."""
    def make(chance):
        n = chance.randint(1, 500)
        if chance.random() < 0.03:
            return ["TRUNCATE t", f"INSERT INTO t SELECT n FROM generate_series({n}, {n + 300}) n"]
        return [chance.choice((f"UPDATE t SET v = nextval('versions') WHERE id = {n}", f"DELETE FROM t WHERE id = {n}",
                               f"INSERT INTO t SELECT {n} WHERE NOT EXISTS (SELECT FROM t WHERE id = {n})"))]

    database.execute("CREATE SEQUENCE versions", f"CREATE TABLE t (id int {'' if ctid_order else 'PRIMARY KEY'}, v bigint DEFAULT nextval('versions'))",
                     "ALTER TABLE t REPLICA IDENTITY FULL", "INSERT INTO t SELECT n FROM generate_series(1, 2000) n")
    one = capture(["t"], tail=True, advanced={**ON, "backfill_chunk_size": 20, "check_interval": "1s"})
    with Writer(database, make, 5, 0.002):
        for count in (100, 200, 500):
            one.keep(one.start().wait_for_records(count).kill())
        one.keep(one.start().wait_for_active().wait_for(lambda run: "t" in operations(run.records)).kill())
    if ctid_order:
        finish(one, database, {"t": Versions("public", "t")})
    else:
        finish(one, database, t=None)
    assert "t" in operations(one.records)


def test_a_truncate_of_a_partition_is_not_reported(database, capture):
    """Its table is not empty: it is backfilled again."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)", "CREATE TABLE t1 PARTITION OF t DEFAULT",
                     "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200)", "INSERT INTO t VALUES (1, 'a'), (101, 'b')")
    one = capture(["t"], tail=True, advanced={**ON, "check_interval": "1s"})
    process = one.start().wait_for_active()
    database.execute("TRUNCATE t2")
    process.wait_for(lambda run: len(run.records) == 3)
    database.execute("TRUNCATE t", "INSERT INTO t VALUES (5, 'c')")
    process.wait_for(lambda run: operations(run.records)[-2:] == ["t", "c"])
    one.keep(process.stop())
    finish(one, database, t=None)


def test_not_in_the_airbyte_look(database, capture):
    database.execute(*TABLE)
    one = configure(capture, "t", tail=True, advanced=ON)
    process = one.start().wait_for_active()
    database.execute("TRUNCATE t", "INSERT INTO t VALUES (1, 'behind')")
    process.wait_for_records(41)
    assert len(process.stop().records) == 41 and "was truncated" in process.stderr


def test_flow_refuses_what_no_binding_takes(database, flow):
    database.execute(*TABLE)
    process = flow(["t"], advanced=ON).start().finish()
    assert process.process.returncode == 1 and "advanced.emit_truncates is not for Flow" in process.errors[-1]


def test_what_is_not_true_or_false_is_refused(database, capture):
    database.execute(*TABLE)
    one = capture(["t"], advanced={"emit_truncates": "yes"})
    assert "emit_truncates" in run("read", *one.arguments()).errors[0]["message"]
