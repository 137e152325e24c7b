"""The shape of records: their members, `_meta`, and the order that `loc` gives them."""

import time

from writer import Writer


def test_a_backfilled_record(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n text)", "INSERT INTO t VALUES (1, NULL)")
    before = time.time() * 1000
    record = capture(["t"]).run().records[0]
    assert set(record) == {"namespace", "stream", "emitted_at", "data"}
    assert (record["namespace"], record["stream"]) == ("public", "t")
    assert isinstance(record["emitted_at"], int) and before - 5000 < record["emitted_at"] < time.time() * 1000 + 5000
    meta = record["data"].pop("_meta")
    assert record["data"] == {"id": 1, "n": None}
    assert meta["op"] == "c" and "before" not in meta
    source = meta["source"]
    assert source["snapshot"] is True and source["schema"] == "public" and source["table"] == "t"
    assert len(source["loc"]) == 3 and source["loc"][0] == -1 and source["loc"][2] == 0
    assert "ts_ms" not in source


def test_a_replicated_record(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n text)")
    one = capture(["t"])
    one.run()
    before = time.time() * 1000
    with database.connection.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO t VALUES (1, 'a')")
        cursor.execute("SELECT txid_current()")
        txid = cursor.fetchone()[0]
        cursor.execute("COMMIT")
    after = time.time() * 1000
    record = one.run().records[0]
    source = record["data"]["_meta"]["source"]
    assert record["data"]["_meta"]["op"] == "c" and not source.get("snapshot")
    assert before - 1000 <= source["ts_ms"] <= after + 1000 and isinstance(source["ts_ms"], int)
    assert (source["schema"], source["table"], source["txid"]) == ("public", "t", txid)
    assert all(isinstance(number, int) for number in source["loc"])
    assert source["loc"][0] <= source["loc"][1] <= source["loc"][2]


def test_type_comes_first_in_every_line(database, capture, tmp_path):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    one = capture(["t"])
    with open(tmp_path / "out", "wb") as out:
        one.start(stdout=out).succeed()
    lines = (tmp_path / "out").read_bytes().split(b"\n")
    assert lines[-1] == b"" and all(line.startswith(b'{"type":') for line in lines[:-1])


def test_the_source_tag_is_in_every_record(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    one = capture(["t"], advanced={"source_tag": "north"})
    one.run()
    database.execute("INSERT INTO t VALUES (2)")
    one.run()
    assert [record["data"]["_meta"]["source"]["tag"] for record in one.records] == ["north", "north"]


def test_backfilled_rows_are_numbered_over_restarts(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 20000)")
    one = capture(["t"], tail=True, advanced={"backfill_chunk_size": 100})
    for enough in (300, 500):
        one.keep(one.start().wait_for_state(after=enough).stop())
    one.tail = False
    one.run()
    numbers = [record["data"]["_meta"]["source"]["loc"][1] for record in one.records]
    assert len(set(numbers)) == 20000 and max(numbers) - min(numbers) == 19999


def test_loc_sorts_in_commit_order(database, capture):
    """Two writers, each a sequence: sorted by loc, the records are in the order in which they committed."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n bigint)", "CREATE SEQUENCE ids", "CREATE TABLE other (id int PRIMARY KEY)")
    one = capture(["t", "other"], tail=True)
    process = one.start().wait_for_active()

    def make(chance):
        return ["INSERT INTO t SELECT nextval('ids'), txid_current() FROM generate_series(1, %d)" % chance.randint(1, 5),
                "INSERT INTO other SELECT max(id) FROM t ON CONFLICT DO NOTHING",
                "UPDATE t SET n = n WHERE id = (SELECT max(id) FROM t)"]

    with Writer(database, make, 1), Writer(database, make, 2):
        process.wait_for_records(600)
    process.wait_for(lambda run: run.records_before_last_state() >= 600).stop()
    locations = [record["data"]["_meta"]["source"]["loc"] for record in process.records]
    assert locations == sorted(locations)
    ends = [location[2] for location in locations]
    assert all(first <= last for first, last in zip(ends, ends[1:]))
    transactions = [record["data"]["_meta"]["source"]["txid"] for record in process.records]
    runs = 1 + sum(one != two for one, two in zip(transactions, transactions[1:]))
    assert runs == len(set(transactions)), "transactions are interleaved"


def test_a_backfilled_row_sorts_before_its_changes(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 50) n")
    one = capture(["t"])
    one.run()
    database.execute("UPDATE t SET n = 1", "UPDATE t SET n = 2")
    one.run()
    in_order = sorted(one.records, key=lambda record: record["data"]["_meta"]["source"]["loc"])
    assert in_order == one.records
