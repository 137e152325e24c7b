"""What happens to a table and is not told by the stream: it is noticed while the capture runs and at the next start,
said by the table's name, and acted on as `on_untracked_change` says. By default the table is backfilled again in place."""

import os
import time

import pytest

from again import (SOON, assert_lives, assert_said_again, kill_in_backfill, location, mode_of, pause_in_backfill, said_again,
                   wait_until_again, warnings)
from capture import stream
from connector import PATIENCE
from refusal import assert_refused
from writer import Writer

ROWS = 40
LOOKS_S = 3.5  # several looks, where one comes each second

TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)",)
PARTITIONED = ("CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
               "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (20)",
               "CREATE TABLE high PARTITION OF t FOR VALUES FROM (20) TO (1000)")
STANDALONE = ("CREATE TABLE more (id int PRIMARY KEY, a text)", "INSERT INTO more SELECT n, 'more' FROM generate_series(1001, 1099) n")
FOR_ALL = "CREATE PUBLICATION {publication} FOR ALL TABLES"
VIA_ROOT = FOR_ALL + " WITH (publish_via_partition_root = true)"
NAMED = "CREATE PUBLICATION {publication} FOR TABLE t, other, {watermarks}"
RECREATED = ("BEGIN; DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a text);"
             " INSERT INTO t SELECT n, 'new' FROM generate_series(5, 60) n; COMMIT")

# name: the table, the publication, and what happens that the stream does not tell. Row 30 and row 31 stay.
EVENTS = {
    "publish_operations": (TABLE, FOR_ALL, (
        "ALTER PUBLICATION {publication} SET (publish = 'insert')", "UPDATE t SET a = 'unseen' WHERE id = 1",
        "DELETE FROM t WHERE id = 2", "ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate')")),
    "unlogged_and_logged": (TABLE, FOR_ALL, (
        "ALTER TABLE t SET UNLOGGED", "INSERT INTO t SELECT n, 'unseen' FROM generate_series(101, 111) n",
        "DELETE FROM t WHERE id = 1", "ALTER TABLE t SET LOGGED")),
    "rewritten_by_using": (TABLE, FOR_ALL, ("ALTER TABLE t ALTER a TYPE text USING a || '!'",)),
    "rewritten_for_a_volatile_default": (TABLE, FOR_ALL, ("ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()",)),
    "recreated": (TABLE, FOR_ALL, (RECREATED,)),
    "replaced_by_renaming": (TABLE, FOR_ALL, (
        "CREATE TABLE u (LIKE t INCLUDING ALL)", "INSERT INTO u SELECT n, 'new' FROM generate_series(5, 60) n",
        "BEGIN; ALTER TABLE t RENAME TO old; ALTER TABLE u RENAME TO t; COMMIT")),
    "renamed_and_back": (TABLE, FOR_ALL, (
        "BEGIN; ALTER TABLE t RENAME TO x; UPDATE x SET a = 'unseen' WHERE id = 1; DELETE FROM x WHERE id = 2; ALTER TABLE x RENAME TO t; COMMIT",)),
    "in_another_schema_and_back": (TABLE + ("CREATE SCHEMA aside",), FOR_ALL, (
        "ALTER TABLE t SET SCHEMA aside", "UPDATE aside.t SET a = 'unseen' WHERE id = 1", "ALTER TABLE aside.t SET SCHEMA public")),
    "left_the_published_schema": (TABLE + ("CREATE SCHEMA aside",), "CREATE PUBLICATION {publication} FOR TABLES IN SCHEMA public", (
        "ALTER TABLE t SET SCHEMA aside", "UPDATE aside.t SET a = 'unseen' WHERE id = 1", "DELETE FROM aside.t WHERE id = 2",
        "ALTER TABLE aside.t SET SCHEMA public")),
    "left_the_publication": (TABLE, NAMED, (
        "ALTER PUBLICATION {publication} DROP TABLE t", "INSERT INTO t VALUES (101, 'unseen')", "DELETE FROM t WHERE id = 1",
        "ALTER PUBLICATION {publication} ADD TABLE t")),
    "partition_attached": (PARTITIONED + STANDALONE, VIA_ROOT, (
        "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000)",)),
    "partition_filled_behind_a_savepoint": (PARTITIONED, VIA_ROOT, (
        f"BEGIN; {STANDALONE[0]}; SAVEPOINT s; {STANDALONE[1]}; RELEASE s;"
        " ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000); COMMIT",)),
    "partition_attached_and_detached": (PARTITIONED + STANDALONE, VIA_ROOT, (
        "ALTER TABLE t ATTACH PARTITION more FOR VALUES FROM (1000) TO (2000)", "UPDATE t SET a = 'was not there' WHERE id = 1001",
        "DELETE FROM t WHERE id = 1002", "ALTER TABLE t DETACH PARTITION more")),
    "partition_detached": (PARTITIONED, VIA_ROOT, ("ALTER TABLE t DETACH PARTITION low",)),
    "leaf_truncated": (PARTITIONED, VIA_ROOT, ("TRUNCATE low", "INSERT INTO t VALUES (7, 'after')")),
    "leaf_emptied": (PARTITIONED, VIA_ROOT, ("TRUNCATE low",)),
    "leaf_truncated_while_detached": (PARTITIONED, VIA_ROOT, (
        "BEGIN; ALTER TABLE t DETACH PARTITION low; TRUNCATE low; ALTER TABLE t ATTACH PARTITION low FOR VALUES FROM (0) TO (20); COMMIT",)),
    "leaf_rewritten": (PARTITIONED, VIA_ROOT, (
        "ALTER TABLE t DETACH PARTITION low", "UPDATE low SET a = 'unseen'",
        "ALTER TABLE t ATTACH PARTITION low FOR VALUES FROM (0) TO (20)")),
    "via_root": (PARTITIONED, VIA_ROOT, (
        "ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)", "INSERT INTO t VALUES (101, 'unseen')",
        "DELETE FROM t WHERE id = 1", "ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)")),
}
TOLD_BY_CHANGES = "partition_attached_and_detached"  # two of them: the catalogs say nothing of it any more
OF_THE_PUBLICATION = ("publish_operations", "via_root")  # of all its tables, and two changes: there, and back


@pytest.fixture(name="begin")
def begin_capture(database, capture):
    """begin(event, option=...): a capture of the event's table and of another one, and what makes the event happen."""

    def begin(event, table=None, **options):
        definition, publication, statements = EVENTS[event] if isinstance(event, str) else event
        if definition[0].endswith("PARTITION BY RANGE (id)") and database.connection.server_version < 130000:
            pytest.skip("new in PostgreSQL 13")
        if "IN SCHEMA" in publication and database.connection.server_version < 150000:
            pytest.skip("new in PostgreSQL 15")
        execute(database, *(table or definition), "CREATE TABLE other (id int PRIMARY KEY)",
                f"INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, {ROWS}) n", "INSERT INTO other VALUES (1)",
                "CREATE TABLE IF NOT EXISTS {watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)", publication)
        one = capture(["t", "other"], advanced={**SOON, **options})

        def happen():
            one.untold["t"] = [database.position()]
            execute(database, *statements)

        return one, happen

    return begin


def execute(database, *statements):
    names = {"publication": database.publication, "watermarks": database.watermarks}
    database.execute(*[statement.format(**names) for statement in statements])


KEYS = {"t": ["id"], "other": ["id"]}


def assert_again(one, event):
    """The table was backfilled again, once for each change; the other one only if that can have been of it, too."""
    if event not in OF_THE_PUBLICATION:
        assert_lives(one, KEYS, {"t": 2})
        return
    one.untold["other"] = one.untold["t"]
    result = one.materialised(KEYS, {"t": 3, "other": 3})
    result.assert_equal(one.database)
    assert result.oracles["public", "t"].life > 1, "public.t was not backfilled again"


def assert_said(event, *processes):
    """By each table's name, as often as it is backfilled again."""
    times = sum(len(said_again(process)) for process in processes)
    story = "".join(process.story() for process in processes)
    assert times in ((1, 2) if event in OF_THE_PUBLICATION else (1,)), f"said {times} times that public.t is backfilled again\n{story}"
    assert event in OF_THE_PUBLICATION or not any(said_again(process, "public.other") for process in processes), story


@pytest.mark.parametrize("event", EVENTS)
def test_noticed_while_running_the_table_is_backfilled_again(database, begin, event):
    """In place: the other table goes on, and so does this one once its rows are out."""
    one, happen = begin(event)
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    database.execute("INSERT INTO other VALUES (2)")
    wait_until_again(process)
    if event in OF_THE_PUBLICATION:
        time.sleep(LOOKS_S)
        process.wait_for_active()
    assert_said(event, process)
    count = len(process.records)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31",
                     "INSERT INTO t (id, a) VALUES (300, 'newest')", "INSERT INTO other VALUES (3)")
    process.wait_for(lambda run: run.records_before_last_state() >= count + 4)
    one.keep(process.stop())
    changes = [record for record in process.records[count:] if record["stream"] == "t"]
    assert [record["data"]["_meta"]["op"] for record in changes] == ["u", "d", "c"], (
        f"{len(changes)} records after the table was out again\n{process.story()}")
    assert_again(one, event)
    assert_nothing_more(one)


@pytest.mark.parametrize("event", EVENTS)
def test_noticed_at_the_next_start_the_table_is_backfilled_again(database, begin, event):
    one, happen = begin(event)
    one.run()
    happen()
    database.execute("INSERT INTO other VALUES (2)")
    process = one.run()
    assert_said(event, process)
    records = [record for record in process.records_of("t") if record["data"]["_meta"]["op"] != "c"]
    assert len(records) == (2 if event == TOLD_BY_CHANGES else 0), records
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31")
    one.run()
    assert_again(one, event)
    assert_nothing_more(one)


def test_a_publication_that_is_gone_while_nothing_is_written(database, begin):
    """It is said what to do, and doing it in time brings the tables back."""
    one, happen = begin((TABLE, FOR_ALL, ("DROP PUBLICATION {publication}",)))
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: "because the publication is gone: create it again" in run.stderr)
    database.execute(FOR_ALL.format(publication=database.publication))
    wait_until_again(process)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31")
    process.wait_for(lambda run: [record["data"]["_meta"]["op"] for record in run.records_of("t")][-2:] == ["u", "d"])
    one.keep(process.wait_for_state(len(process.records)).stop())
    assert_lives(one, KEYS, {"t": 2, "other": 2})


def test_a_partition_that_is_dropped_is_said_and_not_read_again(database, begin):
    """As old ones are every month: its rows are gone, and reading the others again would bring nothing back."""
    one, happen = begin((PARTITIONED, VIA_ROOT, ("DROP TABLE low",)))
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30")
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + 2)
    one.keep(process.stop())
    (warning,) = warnings(process)
    assert "public.t has lost a partition" in warning and not said_again(process)
    assert len(process.records) == ROWS + 2


def assert_nothing_more(one):
    """What was noticed once is not noticed again."""
    one.tail = False
    process = one.run()
    assert not process.records and not warnings(process), process.story()


def test_what_is_back_as_it_was_is_said_to_be_back(database, begin):
    """Its schema had another name for a while, which its terms do not tell."""
    one, happen = begin((TABLE + ("CREATE SCHEMA s", "CREATE TABLE s.u (id int PRIMARY KEY)"), FOR_ALL, ("ALTER SCHEMA s RENAME TO aside",)))
    one.streams.append(stream("u", "s"))
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: warnings(run, "s.u"), 20 * PATIENCE)
    database.execute("ALTER SCHEMA aside RENAME TO s")
    process.wait_for(lambda run: len(warnings(run, "s.u")) == 2, 20 * PATIENCE)
    process.stop()
    assert warnings(process, "s.u")[1].startswith("table s.u is back, and changes may not have been sent"), process.story()


AFTER_A_TRUNCATE = {
    "rewritten": (TABLE, FOR_ALL, ("ALTER TABLE t ALTER a TYPE text USING a || '!'",)),
    "unlogged": (TABLE, FOR_ALL, ("ALTER TABLE t SET UNLOGGED", "INSERT INTO t VALUES (99, 'unseen')", "ALTER TABLE t SET LOGGED")),
    "leaf": (PARTITIONED, VIA_ROOT, ("TRUNCATE low",)),
    "in_its_transaction": (TABLE, FOR_ALL, (f"BEGIN; TRUNCATE t; INSERT INTO t SELECT n, 'b' FROM generate_series(1, {ROWS}) n;"
                                            " ALTER TABLE t ALTER a TYPE text USING a || '!'; INSERT INTO t VALUES (200, 'last'); COMMIT",)),
    "nothing": (TABLE, FOR_ALL, ()),
    "nothing_in_its_transaction": (TABLE, FOR_ALL, (f"BEGIN; TRUNCATE t; INSERT INTO t SELECT n, 'b' FROM generate_series(1, {ROWS}) n; COMMIT",)),
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", AFTER_A_TRUNCATE)
def test_a_truncate_that_is_told_explains_no_other_new_file(begin, database, event, running):
    definition, publication, statements = AFTER_A_TRUNCATE[event]
    one, happen = begin((definition, publication, ("TRUNCATE t", f"INSERT INTO t SELECT n, 'b' FROM generate_series(1, {ROWS}) n", *statements)))
    one.tail = running
    process = one.start().wait_for_active() if running else one.run()
    happen()
    if running:
        process.wait_for(lambda run: event.startswith("nothing") or said_again(run), 20 * PATIENCE)
        time.sleep(LOOKS_S)
        process.stop()
    else:
        process = one.run()
    assert bool(said_again(process)) == (not event.startswith("nothing") or not running), process.story()
    last = {record["data"]["id"]: record["data"]["a"] for record in process.records_of("t")}
    kept = {row[0]: row[1] for row in database.query("SELECT id, a FROM t")}
    assert {key: last[key] for key in kept} == kept


@pytest.mark.parametrize("running", [True, False])
def test_rows_that_were_all_written_again_since_it_began_survive_vacuum_full(begin, database, running):
    """None of them is as old as the capture; they are as old as its last look, which is what counts."""
    one, happen = begin((EVENTS["rewritten_by_using"][0], EVENTS["rewritten_by_using"][1], ("VACUUM FULL t",)))
    one.tail = running
    process = one.start().wait_for_active() if running else one.run()
    database.execute("UPDATE t SET a = 'newer'")
    if running:
        process.wait_for(lambda run: run.records_before_last_state() >= 2 * ROWS + 1)
        time.sleep(LOOKS_S)
        happen()
        time.sleep(LOOKS_S)
        one.keep(process.stop())
    else:
        one.run()
        happen()
        process = one.run()
    assert not warnings(process), process.story()
    one.untold.clear()
    assert_lives(one, KEYS, {"t": 1})


MANY = 6000
FILL = f"INSERT INTO t SELECT n, 'a' || n FROM generate_series({ROWS + 1}, {MANY}) n"


def wide(event):
    """The event with partitions that have room for many rows."""
    definition, *rest = EVENTS[event]
    return ([statement.replace("TO (1000)", f"TO ({10 * MANY})") for statement in definition if "more" not in statement], *rest)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated", "partition_detached"])
def test_noticed_in_the_middle_of_the_backfill(database, begin, event, running):
    """What came of the table so far is forgotten, too. A run that ends before the next look leaves it to the next start."""
    one, happen = begin(wide(event), backfill_chunk_size=10)
    database.execute(FILL)
    if running:
        process = pause_in_backfill(one, MANY, after=100)
        happen()
        process.go_on().succeed()
        one.keep(process)
    else:
        kill_in_backfill(one, MANY)
        happen()
        process = one.run()
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31")
    later = one.run()
    assert_said(event, process, later)
    assert_again(one, event)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated"])
def test_warn_says_it_and_goes_on(database, begin, event, running):
    one, happen = begin(event, on_untracked_change="warn")
    one.tail = True
    process = one.start().wait_for_active()
    if running:
        happen()
        process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    else:
        one.keep(process.stop())
        happen()
        process = one.start()
        process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    count = len(process.records)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "INSERT INTO other VALUES (2)")
    process.wait_for(lambda run: run.records_of("other")[-1:] and run.records_of("other")[-1]["data"]["id"] == 2
                     and run.records_before_last_state() > count)
    time.sleep(LOOKS_S)
    one.keep(process.stop())
    assert not said_again(process), process.story()
    assert len(warnings(process)) == 1, "it is said once"
    assert sum(location(record)[:2] == [-1, 0] for record in one.records if record["stream"] == "t") == 1
    assert any(record["data"].get("a") == "newer" for record in one.records), one.records[-2:]
    assert_nothing_more(one)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", ["publish_operations", "rewritten_by_using", "recreated", "leaf_truncated"])
def test_fail_ends_the_capture_and_its_remedy_works(database, begin, event, running):
    one, happen = begin(event, on_untracked_change="fail")
    one.tail = running
    if running:
        process = one.start().wait_for_active()
        happen()
        one.keep(process.finish(20 * PATIENCE))
    else:
        one.run()
        happen()
    assert_fails(process if running else one.start().finish())
    one.tail = False
    assert_fails(one.start().finish())  # and nothing is forgotten
    one.config["advanced"]["on_untracked_change"] = "backfill"
    assert_said(event, one.run())
    assert_again(one, event)
    one.config["advanced"]["on_untracked_change"] = "fail"
    assert_nothing_more(one)


def assert_fails(process):
    """Whatever was captured before."""
    process.messages = [message for message in process.messages if message["type"] != "RECORD"]
    lines = len(process.errors[-1]["message"].splitlines()) if process.errors else 1  # one for each table that it is true of
    process.messages = [message for message in process.messages if message["type"] != "TRACE" or message["trace"]["type"] != "ERROR"
                        ] + [message for message in process.messages if message["type"] == "TRACE"
                             and message["trace"]["type"] == "ERROR"][-1:]
    assert_refused(process, "config_error", "public.t", "on_untracked_change", lines=lines)


def test_fail_promises_nothing_for_a_table_that_is_gone(database, begin):
    """It ends, and does not say what becomes of the table once it is back."""
    one, happen = begin((TABLE, FOR_ALL, ("ALTER TABLE t RENAME TO x",)), on_untracked_change="fail")
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.finish(20 * PATIENCE)
    assert process.process.returncode == 1 and "public.t is gone" in process.errors[-1]["message"], process.story()
    assert not warnings(process), process.story()


def test_fail_is_over_once_the_stream_was_asked_for_again(database, begin):
    """The other remedy: a raised generation_id."""
    one, happen = begin("rewritten_by_using", on_untracked_change="fail")
    one.run()
    happen()
    assert_fails(one.start().finish())
    one.streams[0]["generation_id"] = 2
    one.run()
    assert_lives(one, KEYS, {"t": 2})


def test_another_word_than_these_is_refused(database, begin):
    one, _ = begin("rewritten_by_using", on_untracked_change="ignore")
    assert_refused(one.start().finish(), "config_error", "on_untracked_change", "backfill", "warn", "fail")


MONTHLY = (PARTITIONED, VIA_ROOT, (
    "CREATE TABLE fresh PARTITION OF t FOR VALUES FROM (1000) TO (2000)", "INSERT INTO t VALUES (1001, 'seen'), (1002, 'seen')",
    "UPDATE t SET a = 'moved', id = 1003 WHERE id = 3"))
EMPTY_ATTACHED = (PARTITIONED, VIA_ROOT, (
    "CREATE TABLE fresh (id int PRIMARY KEY, a text)", "ALTER TABLE t ATTACH PARTITION fresh FOR VALUES FROM (1000) TO (2000)",
    "INSERT INTO t VALUES (1001, 'seen')"))
HARMLESS = {
    "empty_partition_created": MONTHLY,
    "empty_partition_attached": EMPTY_ATTACHED,
    "vacuum": (TABLE, FOR_ALL, ("DELETE FROM t WHERE id > 35", "VACUUM t", "ANALYZE t")),
    "index": (TABLE, FOR_ALL, ("CREATE INDEX ON t (a)", "ALTER TABLE t SET (fillfactor = 80)")),
    "column_with_a_constant": (TABLE, FOR_ALL, ("ALTER TABLE t ADD c int DEFAULT 7", "UPDATE t SET c = 8")),
    "key_widened": (TABLE, FOR_ALL, ("ALTER TABLE t ALTER id TYPE bigint", "INSERT INTO t VALUES (5000000000, 'far')")),
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", HARMLESS)
def test_what_the_stream_tells_is_not_noticed(database, begin, event, running):
    one, happen = begin(HARMLESS[event])
    one.tail = running
    process = one.start()
    if running:
        process.wait_for_active()
        happen()
        time.sleep(LOOKS_S)
        database.execute("INSERT INTO other VALUES (2)")
        process.wait_for(lambda run: len(run.records_of("other")) == 2 and run.records_before_last_state() == len(run.records))
        one.keep(process.stop())
    else:
        one.keep(process.succeed())
        happen()
        process = one.run()
    assert not warnings(process), process.story()
    if event != "column_with_a_constant" or database.value("SELECT count(*) = count(c) FROM t"):
        assert_lives(one, KEYS, {"t": 1})


@pytest.mark.since(13)
@pytest.mark.parametrize("running", [True, False])
def test_a_foreign_table_as_a_partition_is_said(database, begin, tmp_path, running):
    """Its rows are there to be read, and no change of them is ever sent."""
    os.chmod(tmp_path.parent, 0o755)
    path = f"/tmp/{database.name}_{os.getpid()}.csv"
    with open(path, "w", encoding="ascii") as file:
        file.write("1001,far\n1002,away\n")
    try:
        definition = (PARTITIONED[0].replace(" PRIMARY KEY", " NOT NULL"), *PARTITIONED[1:],
                      "ALTER TABLE low ADD PRIMARY KEY (id)", "ALTER TABLE high ADD PRIMARY KEY (id)",
                      "CREATE EXTENSION IF NOT EXISTS file_fdw", "CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw",
                      "CREATE FOREIGN TABLE far (id int NOT NULL, a text) SERVER files"
                      f" OPTIONS (filename '{path}', format 'csv')",
                      "ALTER TABLE low REPLICA IDENTITY FULL", "ALTER TABLE high REPLICA IDENTITY FULL",
                      "ALTER TABLE t REPLICA IDENTITY FULL")
        one, _ = begin((PARTITIONED, VIA_ROOT, ()), table=definition)
        one.tail = running
        process = one.start()
        if running:
            process.wait_for_active()
        else:
            one.keep(process.succeed())
        database.execute("ALTER TABLE t ATTACH PARTITION far FOR VALUES FROM (1000) TO (2000)")
        if running:
            process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
            process.stop()
        else:
            process = one.run()
        assert any("foreign" in text for text in warnings(process)), process.story()
    finally:
        os.unlink(path)


@pytest.mark.since(13)
def test_a_root_that_comes_by_its_leaves_for_good_is_said(database, begin):
    """Nothing of it is sent any more under its name: whatever is done then, its name is said."""
    one, _ = begin((PARTITIONED, VIA_ROOT, ()))
    one.tail = True
    process = one.start().wait_for_active()
    one.untold["t"] = [database.position()]
    execute(database, "ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)", "INSERT INTO t VALUES (101, 'x')")
    process.wait_for(lambda run: any("public.t" in line and "publish_via_partition_root" in line
                                     for line in run.stderr.splitlines()), 20 * PATIENCE)
    execute(database, "ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)")
    if process.process.poll() is None:
        process.process.terminate()
    one.keep(process.finish())
    one.tail = False
    one.run()
    assert_again(one, "via_root")


@pytest.mark.parametrize("operations, missing", [("insert", "updates"), ("insert, update", "deletes"), ("update, delete", "inserts")])
def test_a_publication_that_leaves_something_out_from_now_on(database, capture, operations, missing):
    """To go on would lose them without a word, and without updates no watermark of a backfill comes."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'a' FROM generate_series(1, 100) n")
    one = capture(["t"], tail=True, advanced={"check_interval": "1s"})
    process = one.start().wait_for_active()
    one.untold["t"] = [database.position()]
    execute(database, f"ALTER PUBLICATION {{publication}} SET (publish = '{operations}')")
    process.wait_for(lambda run: f"does not publish {missing}: run ALTER PUBLICATION" in run.stderr, 20 * PATIENCE)
    count = len(process.records)
    database.execute("UPDATE t SET v = 'b' WHERE id < 5", "DELETE FROM t WHERE id > 90", "INSERT INTO t VALUES (101, 'b')")
    execute(database, "ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate')")
    one.keep(process.wait_for(lambda run: len(run.records) >= count + 91).wait_for_active().stop())
    assert [record["data"]["id"] for record in process.records[-91:]] == [*range(1, 91), 101]


@pytest.mark.parametrize("running", [True, False])
def test_a_stream_whose_rows_are_skipped_is_not_backfilled(database, begin, running):
    """Nobody wants its rows: it is said, and the stream goes on."""
    one, happen = begin("publish_operations", skip_backfills="public.t")
    one.tail = True
    process = one.start()
    process.wait_for(lambda run: run.states and mode_of(run.states[-1], "public.other") == "Active")
    if not running:
        one.keep(process.stop())
    happen()
    if not running:
        process = one.start()
    process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    database.execute("INSERT INTO t VALUES (300, 'seen')")
    process.wait_for(lambda run: run.records_of("t") and run.states and run.records_before_last_state() == len(run.records))
    one.keep(process.stop())
    assert not said_again(process), process.story()
    assert [record["data"]["id"] for record in one.records if record["stream"] == "t"] == [300]


def test_the_state_goes_through_backfill(database, begin):
    """A consumer sees what is happening to the table, and a run that is stopped meanwhile goes on with it."""
    one, happen = begin("rewritten_by_using", backfill_chunk_size=200)
    database.execute(FILL)
    one.tail = True
    process = one.start().wait_for_active()
    one.keep(process.stop())
    one.config["advanced"]["backfill_chunk_size"] = 5
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: run.states and mode_of(run.states[-1]) == "Backfill")
    one.keep(process.kill())
    process = one.start().wait_for_active()
    one.keep(process.stop())
    assert not said_again(process), "the run before has said it"
    assert_lives(one, KEYS, {"t": 2})


def test_writers_go_on_while_the_table_is_backfilled_again(database, begin):
    """Exactly as beside the first backfill."""
    one, happen = begin("rewritten_by_using", backfill_chunk_size=7)
    database.execute(f"INSERT INTO t SELECT n, 'a' || n FROM generate_series({ROWS + 1}, 900) n")
    one.tail = True
    process = one.start().wait_for_active()

    def make(chance):
        n = chance.randint(1, 1200)
        return [chance.choice((f"UPDATE t SET a = a || 'x' WHERE id = {n}", f"DELETE FROM t WHERE id = {n}",
                               f"INSERT INTO t VALUES ({n}, 'new') ON CONFLICT DO NOTHING",
                               f"UPDATE t SET id = {n + 3000} WHERE id = {n}"))]

    with Writer(database, make, 1, 0.001), Writer(database, make, 2, 0.001):
        happen()
        wait_until_again(process)
    one.keep(process.stop())
    one.tail = False
    one.run()
    assert_said_again(process)
    assert_lives(one, KEYS, {"t": 2})


def test_the_other_streams_of_a_state_by_stream_go_on(database, begin):
    one, happen = begin("rewritten_by_using", state_type="stream")
    one.streams = [stream("t"), stream("other")]
    one.run()
    happen()
    database.execute("INSERT INTO other VALUES (2)")
    assert_said_again(one.run())
    assert_lives(one, KEYS, {"t": 2})
