"""A server whose transaction ids have wrapped around once: rows frozen before that keep ids of the previous epoch,
which other transactions now get again."""

import itertools
import os
from contextlib import closing

import pytest

from again import LOOSE, SOON, assert_lives, resume_from, kill_in_backfill, said_again, stand_still
from capture import Capture
from database import Database
from oracle import Versions
from refusal import assert_refused
from server import Server
from terms import Terms
from writer import Writer

FROZEN = 3000
FAR = 50000  # so many ids later that no test reaches it
LAST_IDS = 7296
COPIES = itertools.count(1)
SMALL = {"backfill_chunk_size": 20, **SOON}


@pytest.fixture(scope="module", name="wrapped")
def server_of_epoch_1():
    """A database whose tables were filled in epoch 0 by many transactions, frozen, and whose ids come again in epoch 1."""
    with Server(autovacuum="off") as server:
        database = Database(server)
        database.execute("CREATE SEQUENCE versions", "CREATE TABLE other (id int PRIMARY KEY, n int)",
                         "CREATE TABLE unkeyed (id int, v bigint DEFAULT nextval('versions'), filler text DEFAULT repeat('x', 200))",
                         "CREATE TABLE keyed (id int PRIMARY KEY, v bigint DEFAULT nextval('versions'), filler text)",
                         "ALTER TABLE unkeyed REPLICA IDENTITY FULL",
                         "INSERT INTO other SELECT n, 0 FROM generate_series(1, 500) n")
        first = database.value("SELECT txid_current()")
        for part in range(0, FROZEN, 10):
            rows = f"SELECT n FROM generate_series({part + 1}, {part + 10}) n"
            database.execute(f"INSERT INTO unkeyed {rows}", f"INSERT INTO keyed {rows}")
        database.execute("CREATE TABLE far (id int PRIMARY KEY, v bigint)",
                         f"DO $$ BEGIN FOR n IN 1..{FAR} LOOP BEGIN INSERT INTO far VALUES (n); EXCEPTION WHEN division_by_zero THEN"
                         " END; END LOOP; END $$",
                         f"DELETE FROM far WHERE id < {FAR}", "VACUUM (FREEZE)")
        database.connection.close()
        server.stop()
        server.run("pg_resetwal", "-e", "1", "-x", str(first + 1), "-D", server.data)
        server.start()
        yield server, database


@pytest.fixture(name="epoch")
def copy_of_the_database(wrapped):
    """Its own for each test; a template's rows are copied as they are, ids and all."""
    server, original = wrapped
    copy = Database(server, create=False, name="postgres")
    copy.name = f"copy_{next(COPIES)}"
    copy.execute(f"CREATE DATABASE {copy.name} TEMPLATE {original.name}")
    copy.reconnect()
    assert copy.value("SELECT txid_current() >> 32") == 1, "the server is not in epoch 1: this test tests nothing"
    yield copy
    copy.drop()


@pytest.fixture(name="take")
def captures(epoch, tmp_path):
    made = []

    def take(*streams, **options):
        (tmp_path / str(len(made))).mkdir()
        made.append(Capture(epoch, tmp_path / str(len(made)), list(streams), advanced={**SMALL, **options}))
        return made[-1]

    yield take
    for one in made:
        one.kill_all()


def writing(table):
    def make(chance):
        n, new = chance.randint(1, FROZEN), chance.randint(10000, 1000000)
        return [f"UPDATE other SET n = n + 1 WHERE id = {chance.randint(1, 500)}", *([] if not table else [
            f"UPDATE {table} SET v = nextval('versions') WHERE id = {n}", f"DELETE FROM {table} WHERE id = {n + 1}", "SAVEPOINT s",
            f"INSERT INTO {table} (id) SELECT {new} WHERE NOT EXISTS (SELECT FROM {table} WHERE id = {new})", "RELEASE s"])]

    return make


def oracles(one, lives=1):
    known = {"other": ["id"], "keyed": ["id"], "unkeyed": Versions("public", "unkeyed", lives=lives)}
    return {name: known[name] for name in (configured["stream"]["name"] for configured in one.streams)}


@pytest.mark.parametrize("written", [None, "unkeyed"])
def test_frozen_rows_of_a_table_without_key_come_beside_writers(epoch, take, written):
    """Of other tables, and of its own."""
    one = take("other", "unkeyed")
    with Writer(epoch, writing(written), 1, 0.001), Writer(epoch, writing(written), 2, 0.001, commit_share=0.7):
        one.run()
        one.run()
    one.run()
    one.materialised(oracles(one)).assert_equal(epoch)


def test_frozen_rows_of_a_table_with_key_come_beside_writers(epoch, take):
    one = take("other", "keyed")
    with Writer(epoch, writing("keyed"), 1, 0.001), Writer(epoch, writing("keyed"), 2, 0.001, commit_share=0.7):
        one.run()
        one.run()
    one.run()
    one.materialised(oracles(one)).assert_equal(epoch)


def test_the_connection_that_holds_the_snapshot_is_lost(epoch, take):
    """Ids do not identify the rows: the table is backfilled again."""
    one = take("other", "unkeyed")
    with Writer(epoch, writing("unkeyed"), 1, 0.001):
        process = one.start()
        stand_still(process, "unkeyed")
        assert epoch.end_sessions("source-postgres snapshot") == 1
        one.keep(resume_from(process).succeed())
    one.run()
    (said,) = said_again(process, "public.unkeyed")
    assert "was read in a snapshot that is gone" in said
    one.materialised(oracles(one, lives=2)).assert_equal(epoch)


def begin_at_the_end_of_an_epoch(server):
    """Soon its transaction ids are used a second time."""
    for name in ("postgres", "template1"):
        with closing(server.connect(name)) as session, session.cursor() as cursor:
            cursor.execute("VACUUM (FREEZE)")
    server.stop()
    states = os.path.join(server.data, "pg_xact")
    with open(os.path.join(states, "0FFF"), "wb") as file:
        file.write(bytes(256 * 1024))
    os.chown(file.name, os.stat(states).st_uid, os.stat(states).st_gid)
    server.run("pg_resetwal", "-x", str(2**32 - LAST_IDS), "-D", server.data)
    server.start()


def test_ids_that_are_reused_while_they_identify_rows(tmp_path):
    with Server(autovacuum="off") as server:
        begin_at_the_end_of_an_epoch(server)
        database = Database(server)
        database.execute(*LOOSE, "ALTER TABLE loose ADD filler text DEFAULT repeat('x', 200)", "CREATE TABLE ids (id int)",
                         f"INSERT INTO loose SELECT generate_series(601, {FROZEN})")
        one = Capture(database, tmp_path, ["loose"], advanced=SMALL)
        process = one.start()
        stand_still(process, "loose")
        assert database.end_sessions("source-postgres snapshot") == 1
        database.execute(f"DO $$ BEGIN FOR n IN 1..{LAST_IDS} LOOP BEGIN INSERT INTO ids VALUES (n); EXCEPTION WHEN division_by_zero THEN"
                         " END; END LOOP; END $$", "UPDATE loose SET v = nextval('versions') WHERE id > 500")
        one.keep(resume_from(process).succeed())
        assert "transaction ids tell from now on" in process.stderr
        (said,) = said_again(process, "public.loose")
        assert "because transaction ids are used a second time" in said
        one.run()
        one.materialised({"loose": Versions("public", "loose", lives=2)}).assert_equal(database)


def test_a_run_that_continues_in_ctid_order_begins_again_and_says_why(epoch, take):
    """Ids of two epochs look the same in a row."""
    one = take("other", "unkeyed")
    with Writer(epoch, writing(None), 1, 0.001):
        kill_in_backfill(one, 10 * FROZEN, table="unkeyed")
        process = one.run()
    one.run()
    said = said_again(process, "public.unkeyed")
    assert len(said) == 1, process.story()
    one.materialised(oracles(one, lives=2)).assert_equal(epoch)


def test_a_run_that_continues_by_key_does_not_begin_again(epoch, take):
    one = take("other", "keyed")
    with Writer(epoch, writing(None), 1, 0.001):
        kill_in_backfill(one, 10 * FROZEN, table="keyed")
        process = one.run()
    one.run()
    assert not said_again(process, "public.keyed")
    assert_lives(one, oracles(one), {"keyed": 1})


@pytest.mark.parametrize("table", ["keyed", "unkeyed"])
def test_min_backfill_xid_leaves_frozen_and_older_rows_out(epoch, take, table):
    """Rows written from that transaction on come; changes come for any row."""
    epoch.execute(f"INSERT INTO {table} (id) SELECT generate_series(5001, 5100)")
    xid = epoch.value("SELECT txid_current() & 4294967295")
    epoch.execute(f"INSERT INTO {table} (id) SELECT generate_series(6001, 6100)", f"UPDATE {table} SET filler = 'new' WHERE id <= 50")
    one = take(table, min_backfill_xid=int(xid))
    one.run()
    epoch.execute(f"UPDATE {table} SET filler = 'newer' WHERE id = 100")
    one.run()
    ids = [record["data"]["id"] for record in one.records]
    assert sorted(ids[:-1]) == [*range(1, 51), *range(6001, 6101)]
    assert (ids[-1], one.records[-1]["data"]["_meta"]["op"]) == (100, "u")


@pytest.mark.parametrize("table", ["keyed", "unkeyed"])
def test_min_backfill_xid_beside_writers(epoch, take, table):
    """Every row that is written from then on comes, by the backfill or as a change."""
    xid = epoch.value("SELECT txid_current() & 4294967295")
    before = epoch.value(f"SELECT max(v) FROM {table}")
    epoch.execute(f"UPDATE {table} SET v = nextval('versions') WHERE id % 10 = 0")
    look_newer = {row for row, in epoch.query(f"SELECT id FROM {table} WHERE xmin::text::bigint >= {xid} AND v <= {before}")}
    one = take("other", table, min_backfill_xid=int(xid))
    with Writer(epoch, writing(table), 1, 0.001):
        one.run()
    one.run()
    newest = {}
    for record in (record for record in one.records if record["stream"] == table):
        if record["data"]["_meta"]["op"] != "d":
            newest[record["data"]["id"]] = max(record["data"]["v"], newest.get(record["data"]["id"], 0))
    written = dict(epoch.query(f"SELECT id, v FROM {table} WHERE v > {before}"))
    lost = {row: version for row, version in written.items() if newest.get(row) != version}
    assert not lost, f"{len(lost)} of {len(written)} rows, the first of them: {list(lost.items())[:5]}"
    creates = [record["data"] for record in one.records if record["stream"] == table
               and record["data"]["_meta"]["source"].get("snapshot")]
    older = {create["id"] for create in creates if create["v"] <= before}
    assert creates and older <= look_newer, "frozen rows come as well, whose ids do not look newer"


def test_min_backfill_xid_of_an_epoch_is_refused(take):
    assert_refused(take("keyed", min_backfill_xid=4294967296 + 800).start().finish(), "config_error", "min_backfill_xid")


FRAME = ("CREATE TABLE t (LIKE far) PARTITION BY RANGE (id)", "ALTER TABLE t ADD PRIMARY KEY (id)",
         "CREATE TABLE low PARTITION OF t FOR VALUES FROM (-9) TO (0)")
ATTACH = "ALTER TABLE t ATTACH PARTITION far FOR VALUES FROM (0) TO (100000)"


def frame(epoch, tmp_path, *statements):
    """The one row of the table has an id that is still to be given."""
    epoch.execute(*FRAME, *statements, f"CREATE PUBLICATION {epoch.publication} FOR TABLE t WITH (publish_via_partition_root = true)")
    assert epoch.value("SELECT age(xmin) < 0 FROM far"), "the row looks old: this test tests nothing"
    return Terms(epoch, tmp_path)


@pytest.mark.since(13)
def test_a_partition_of_frozen_rows_is_not_taken_for_an_empty_one(epoch, tmp_path):
    with frame(epoch, tmp_path) as terms:
        epoch.execute(ATTACH)
        change, why = terms.judge()
        assert (change, "already had rows" in why) == ("untracked", True), why


@pytest.mark.since(13)
def test_frozen_rows_show_that_a_rewrite_kept_them(epoch, tmp_path):
    with frame(epoch, tmp_path, ATTACH) as terms:
        epoch.execute("VACUUM FULL far")
        change, why = terms.judge()
        assert (change, "with all its rows" in why) == ("shape", True), why


@pytest.mark.since(13)
def test_rows_of_this_epoch_show_that_a_partition_was_truncated(epoch, tmp_path):
    with frame(epoch, tmp_path, ATTACH) as terms:
        epoch.execute("TRUNCATE far", "INSERT INTO t (id) VALUES (1)")
        change, why = terms.judge()
        assert change == "emptied", why
