"""advanced.emit_messages and advanced.emit_transactions: records of streams without a table, between those of the
changes."""

import base64
import contextlib
import time

import pytest

from again import location
from capture import stream
from connector import run
from test_people import people
from writer import Writer

MESSAGES, TRANSACTIONS = stream("messages", "pg_logical"), stream("transactions", "pg_logical")
TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 't' || n FROM generate_series(1, 40) n")

pytestmark = pytest.mark.since(14)


def emit(transactional, prefix, content):
    return f"SELECT pg_logical_emit_message({str(transactional).lower()}, '{prefix}', '{content}')"


def contents(records):
    return [base64.b64decode(record["data"]["content"]).decode() for record in records if record["stream"] == "messages"]


def without_meta(record):
    return {name: value for name, value in record["data"].items() if name != "_meta"}


def meta(record):
    return record["data"]["_meta"]


@pytest.fixture(name="one")
def capture_of_messages(database, capture):
    database.execute(*TABLE)
    return capture(["t", MESSAGES], tail=True, advanced={"emit_messages": "app.*, outbox", "source_tag": "tag"})


def test_messages_come_between_the_changes(one, database):
    process = one.start().wait_for_active()
    database.transaction("INSERT INTO t VALUES (100, 'a')", emit(True, "outbox", "within"), "INSERT INTO t VALUES (101, 'b')",
                         emit(True, "other", "left out"), emit(True, "source-postgres", "left out"))
    database.execute(emit(False, "app.x", "between"), "INSERT INTO t VALUES (102, 'c')", emit(True, "outbox", "alone"))
    process.wait_for_state(after=46)
    records = process.records[40:]
    assert [record["data"].get("id", record["data"].get("content")) for record in records] == [
        100, base64.b64encode(b"within").decode(), 101, base64.b64encode(b"between").decode(), 102, base64.b64encode(b"alone").decode()]
    first, within, _, between, last, _ = records
    assert (within["namespace"], within["stream"]) == ("pg_logical", "messages")
    assert without_meta(within) == {"prefix": "outbox", "content": "d2l0aGlu", "transactional": True}
    assert meta(within)["op"] == meta(between)["op"] == "m"
    source = {**meta(first)["source"], "schema": "pg_logical", "table": "messages"}
    assert meta(within)["source"] == {**source, "loc": location(within)}
    assert without_meta(between) == {"prefix": "app.x", "content": "YmV0d2Vlbg==", "transactional": False}
    assert meta(between)["source"] == {"schema": "pg_logical", "table": "messages", "loc": location(between), "tag": "tag"}
    assert location(between)[1] + 1 == location(between)[2] == location(last)[0]
    assert [location(record) for record in records] == sorted(location(record) for record in records)
    assert len({tuple(location(record)) for record in records}) == len(records)
    process.stop()
    told = [(trace["stream_status"]["stream_descriptor"]["name"], trace["stream_status"]["status"])
            for trace in (message["trace"] for message in process.of_type("TRACE")) if trace["type"] == "STREAM_STATUS"]
    assert [status for name, status in told if name == "messages"] == ["STARTED", "RUNNING", "INCOMPLETE"]


def test_a_message_that_is_rolled_back_does_not_come(one, database):
    """Also of a transaction that the server would send while it is open."""
    rows = "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series({}, {}) n"
    database.stream_from(64)
    process = one.start().wait_for_active()
    with contextlib.closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; {rows.format(1000, 3000)}; SAVEPOINT s; {emit(True, 'outbox', 'rolled back')}; {rows.format(4000, 6000)}")
        cursor.execute(f"ROLLBACK TO s; {emit(True, 'outbox', 'kept')}; COMMIT")
    database.execute(emit(True, "outbox", "last"))
    process.wait_for(lambda run: "last" in contents(run.records)).stop()
    assert contents(process.records) == ["kept", "last"] and len(process.records_of("t")) == 40 + 2001


def test_a_quiet_stream_of_messages_alone_has_states(one, database):
    process = one.start().wait_for_active()
    for number in range(3):
        database.execute(emit(False, "app.x", number))
        process.wait_for_state(after=41 + number)
    one.keep(process.kill())
    one.tail = False
    assert contents(one.run().records) == []
    assert contents(one.records) == ["0", "1", "2"]


def test_messages_come_once_whatever_is_killed(one, database):
    """Also messages between transactions; all in the order of the stream."""
    count = iter(range(1, 1_000_000))

    def make(chance):
        number = next(count)
        statements = [f"INSERT INTO t VALUES ({number + 1000}, 'x')", emit(True, "outbox", number)]
        return statements if chance.random() < 0.6 else [emit(False, "app.loose", number)]

    one.keep(one.start().wait_for_active().kill())
    with Writer(database, make, 3, 0.001) as writer:
        for step in range(6):
            process = one.start()
            process.wait_for(lambda run: len(contents(run.records)) >= 60)
            if step % 3 == 2:
                database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = current_database()")
                process.wait_for(lambda run: len(contents(run.records)) >= 150)
            one.keep(process.kill())
    one.tail = False
    one.run()
    assert contents(one.records) == [str(number) for number in range(1, writer.transactions + 1)]
    locations = [location(record) for record in one.records if record["stream"] == "messages" or location(record)[0] >= 0]
    assert locations == sorted(locations)
    tables = [record for record in one.records if record["stream"] == "t"]
    one.records = tables
    one.assert_equal(t=["id"])


def test_transactions_are_bound(database, capture):
    database.execute(*TABLE, "CREATE TABLE u (id int PRIMARY KEY)", "CREATE TABLE other (id int PRIMARY KEY)")
    one = capture(["t", "u", TRANSACTIONS, MESSAGES], tail=True,
                  advanced={"emit_transactions": True, "emit_messages": "*", "emit_truncates": True})
    process = one.start().wait_for_active()
    database.execute("INSERT INTO other VALUES (1)")
    database.transaction("INSERT INTO t VALUES (100, 'a'), (101, 'b')", "UPDATE t SET id = 200 WHERE id = 100", "INSERT INTO u VALUES (1)",
                         emit(True, "x", "y"), "TRUNCATE u")
    database.execute(emit(False, "x", "between"), "DELETE FROM t WHERE id = 1")
    process.wait_for_state(after=52)
    records = process.records[40:]
    assert [(record["stream"], meta(record)["op"]) for record in records] == [
        ("transactions", "b"), ("t", "c"), ("t", "c"), ("t", "d"), ("t", "c"), ("u", "c"), ("messages", "m"), ("u", "t"), ("transactions", "e"),
        ("messages", "m"), ("transactions", "b"), ("t", "d"), ("transactions", "e")]
    begin, change, end = records[0], records[1], records[8]
    commit = location(change)[2]
    xid, ts_ms = meta(change)["source"]["txid"], meta(change)["source"]["ts_ms"]
    commit_time = begin["data"]["commit_time"]
    assert commit_time.endswith("Z") and abs(time.time() * 1000 - ts_ms) < 600_000
    assert without_meta(begin) == {"xid": xid, "commit_time": commit_time, "commit_lsn": commit}
    assert without_meta(end) == {
        "xid": xid, "commit_time": commit_time, "commit_lsn": commit, "end_lsn": location(records[9])[0],
        "record_count": 7, "streams": [{"namespace": "public", "stream": "t", "record_count": 4}, {"namespace": "public", "stream": "u", "record_count": 2},
                                       {"namespace": "pg_logical", "stream": "messages", "record_count": 1}]}
    assert commit < end["data"]["end_lsn"]
    assert meta(begin)["source"] == {**meta(change)["source"], "schema": "pg_logical", "table": "transactions", "loc": [location(change)[0], 0, commit]}
    assert location(end) == [location(change)[0], commit, commit]
    locations = [location(record) for record in records]
    assert locations == sorted(locations)
    one.keep(process.stop())


def test_transactions_come_once_whatever_is_killed(database, capture):
    """Between the bounds are the records of one transaction, and as many as its end says."""
    def make(chance):
        n = chance.randint(1, 300)
        return [chance.choice((f"UPDATE t SET a = a || 'x' WHERE id = {n}", f"DELETE FROM t WHERE id = {n}",
                               f"INSERT INTO t VALUES ({n}, 'new') ON CONFLICT DO NOTHING")) for _ in range(chance.randint(1, 4))]

    database.execute(*TABLE)
    one = capture(["t", TRANSACTIONS], tail=True, advanced={"emit_transactions": True, "backfill_chunk_size": 10})
    with Writer(database, make, 4, 0.001):
        for _ in range(4):
            one.keep(one.start().wait_for_state(after=120).kill())
    one.tail = False
    one.run()
    bounds = [record["data"]["xid"] for record in one.records if meta(record)["op"] == "b"]
    assert len(bounds) == len(set(bounds)) > 20
    assert [record["data"]["xid"] for record in one.records if meta(record)["op"] == "e"] == bounds
    assert_bound(one.records)
    one.records = [record for record in one.records if record["stream"] == "t"]
    one.assert_equal(t=["id"])


def assert_bound(records):
    within = None
    for record in records:
        if record["stream"] == "transactions":
            if meta(record)["op"] == "e":
                assert record["data"]["record_count"] == len(within)
                assert {meta(one)["source"]["txid"] for one in within} == {record["data"]["xid"]}
            else:
                assert within is None
            within = [] if meta(record)["op"] == "b" else None
        elif within is not None:
            within.append(record)
        else:  # released by a commit: of the backfill
            assert meta(record)["op"] == "c"


def test_the_catalog_says_whether_they_are_captured(database, capture):
    """The option alone has no effect, and the stream alone is an error."""
    database.execute(*TABLE)
    one = capture(["t"], advanced={"emit_messages": "*", "emit_transactions": True})
    process = one.run()
    assert process.stderr.count("has no effect, since stream pg_logical.") == 2 and len(process.records) == 40
    refused = [(["t", MESSAGES], {}, "stream pg_logical.messages needs the option advanced.emit_messages"),
               (["t", TRANSACTIONS], {}, "stream pg_logical.transactions needs the option advanced.emit_transactions"),
               ([MESSAGES], {"emit_messages": "*"}, "holds no table"),
               (["t", MESSAGES], {"emit_messages": "*", "state_type": "stream"}, "does not go with advanced.state_type")]
    for streams, options, words in refused:
        ended = run("read", *capture(streams, advanced=options).arguments())
        assert ended.process.returncode == 1 and words in ended.stderr, ended.story()
    one = capture(["t", TRANSACTIONS], advanced={"emit_transactions": True})
    assert "does not go with --output" in run("read", *one.arguments(), "--output", f"{one.directory}/files").stderr


def test_discover_offers_them_and_all_has_them(database, capture):
    database.execute(*TABLE)
    one = capture(["t"], advanced={"emit_messages": "*", "emit_transactions": True})
    config = ["--config", one.path("config.json", one.config)]
    offered = run("discover", *config).succeed().of_type("CATALOG")[0]["catalog"]["streams"]
    assert [(each["namespace"], each["name"]) for each in offered] == [("public", "t"), ("pg_logical", "messages"), ("pg_logical", "transactions")]
    process = run("read", *config, "--all", "public.*").succeed()
    database.transaction("INSERT INTO t VALUES (100, 'a')", emit(True, "x", "y"))
    state = one.path("state.json", [process.states[-1]])
    again = run("read", *config, "--all", "public.*", "--state", state).succeed()
    assert [meta(record)["op"] for record in again.records] == ["b", "c", "m", "e"]
    assert people("status", *config, "--catalog", one.write_catalog())
