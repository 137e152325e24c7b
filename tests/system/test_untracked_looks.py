"""Changes of a table that the stream does not report are noticed, while the capture runs or at its next start, and
nothing else is."""

import signal
import time

import pytest

from again import assert_lives, said_again, wait_until_again, warnings
from capture import stream
from connector import PATIENCE
from untracked import (EVENTS, FOR_ALL, KEYS, LOOKS_S, LOOK_S, OF_THE_PUBLICATION, PARTITIONED,
                       ROWS, TABLE, TOLD_BY_CHANGES, VIA_ROOT, assert_again, assert_nothing_more, assert_said)

pytestmark = pytest.mark.every_other


@pytest.mark.parametrize("event", EVENTS)
def test_noticed_while_running_the_table_is_backfilled_again(database, begin, event):
    """Without a restart: the other table continues, and so does this one once its rows are out."""
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


def test_what_is_back_as_it_was_is_said_to_be_back(database, begin):
    """Its schema had another name for a while, which its terms do not show."""
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
    "nothing_while_more_come": (TABLE, FOR_ALL, (
        "TRUNCATE t", "TRUNCATE t", "SELECT pg_sleep(0.01)",
        "BEGIN; TRUNCATE t; INSERT INTO other SELECT n + (SELECT max(id) FROM other) FROM generate_series(1, 15000) n; COMMIT",
        "SELECT pg_sleep(0.3)") * 10),
    "nothing_in_its_transaction": (TABLE, FOR_ALL, (f"BEGIN; TRUNCATE t; INSERT INTO t SELECT n, 'b' FROM generate_series(1, {ROWS}) n; COMMIT",)),
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("event", AFTER_A_TRUNCATE)
def test_a_reported_truncate_explains_no_other_new_file(begin, database, event, running):
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
    assert bool(said_again(process)) == (not event.startswith("nothing")), process.story()
    last = {record["data"]["id"]: record["data"]["a"] for record in process.records_of("t")}
    kept = {row[0]: row[1] for row in database.query("SELECT id, a FROM t")}
    assert {key: last[key] for key in kept} == kept


@pytest.mark.parametrize("later", ["GRANT SELECT ON t TO PUBLIC", "ALTER TABLE t ADD CHECK (id > 0)", "REINDEX TABLE t", "CREATE INDEX ON t (a)"])
def test_changes_of_a_table_after_a_truncate_that_is_not_reported_yet(begin, database, later):
    """It writes the table's entry in pg_class again, and not its file."""
    one, happen = begin((TABLE, FOR_ALL, ("TRUNCATE t", later, f"INSERT INTO t SELECT n, 'b' FROM generate_series(1, {ROWS}) n")))
    one.tail = True
    process = one.start().wait_for_active()
    process.process.send_signal(signal.SIGSTOP)
    happen()
    process.process.send_signal(signal.SIGCONT)
    process.wait_for_state(2 * ROWS + 1)
    time.sleep(2 * LOOK_S)
    one.keep(process.stop())
    assert not said_again(process), process.story()


@pytest.mark.parametrize("running", [True, False])
def test_rows_that_were_all_written_again_since_it_began_survive_vacuum_full(begin, database, running):
    """They are newer than the capture's start, and as old as its last look, which decides."""
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
    one.unreported.clear()
    assert_lives(one, KEYS, {"t": 1})


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
def test_changes_that_the_stream_reports_are_not_noticed(database, begin, event, running):
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
    assert ["USING changed values" in line for line in warnings(process)] == ([True] if event == "key_widened" else []), process.story()
    if event != "column_with_a_constant" or database.value("SELECT count(*) = count(c) FROM t"):
        assert_lives(one, KEYS, {"t": 1})
