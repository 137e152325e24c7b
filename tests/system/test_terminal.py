"""Progress on a terminal, drawn by one thread from data of others: it shows the tables to the end, and nothing that it
shows is freed before. AddressSanitizer finds more than crashes show."""

import re
import signal
import time
from contextlib import closing

import pytest

from again import SOON, assert_lives
from capture import stream
from connector import PATIENCE

TABLES = [f"table_number_{n}" for n in range(12)]


@pytest.fixture(name="one")
def twelve_tables(database, capture):
    for name in TABLES:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, a text)", f"INSERT INTO {name} SELECT n, 'x' FROM generate_series(1, 20) n")
    return capture(TABLES, advanced=SOON)


def assert_drawn(process):
    """Every table has its line, and the last lines of the log come below."""
    missing = [name for name in TABLES if f"public.{name} " not in process.stderr]
    assert not missing, f"no line of {missing}\n{process.story()}"


def test_ten_runs_on_a_terminal(one):
    """With a table each that is backfilled to its end, and then again from the last state."""
    for _ in range(10):
        process = one.start(terminal=True).succeed()
        assert len(process.records) == 20 * len(TABLES)
        assert "wrote 240 rows" in process.stderr, process.story()
    one.keep(process)
    one.start(terminal=True).succeed()


def test_a_run_that_is_stopped_while_it_draws(one):
    one.tail = True
    for wait_s in (0.0, 0.05, 0.1, 0.3, 1.5):
        process = one.start(terminal=True)
        process.wait_for(lambda run: run.messages)
        time.sleep(wait_s)
        process.stop()
    assert_drawn(process)


def test_a_run_that_fails_while_it_draws(one, database):
    """Its end comes from another thread than the one that draws."""
    one.tail = True
    process = one.start(terminal=True).wait_for_active()
    time.sleep(1.2)
    database.execute(f"DROP PUBLICATION {database.publication}", f"INSERT INTO {TABLES[0]} VALUES (100, 'x')")
    process.finish(20 * PATIENCE)
    assert process.process.returncode > 0 and database.publication in process.errors[-1]["message"], process.story()
    assert_drawn(process)


def test_tables_that_come_again_and_join_while_it_draws(one, database):
    """The data changes while the thread draws it."""
    one.streams, one.tail = one.streams[:6], True
    process = one.start(terminal=True).wait_for_active()
    for name in TABLES[:3]:
        one.unreported[name] = [database.position()]
        database.execute(f"ALTER TABLE {name} ALTER a TYPE text USING a || '!'")
    one.streams += [stream(name) for name in TABLES[6:]]
    one.write_catalog()
    process.process.send_signal(signal.SIGHUP)
    process.wait_for(lambda run: len(run.modes()) == 12 and len(run.records) >= 20 * 15 and set(run.modes().values()) == {"Active"})
    time.sleep(1.2)
    one.keep(process.stop())
    assert_drawn(process)
    assert_lives(one, {name: ["id"] for name in TABLES}, {name: 2 for name in TABLES[:3]})


def churn(name):
    """The table makes room for another one of its name; all in one transaction, or each statement in its own."""
    return [f"DROP TABLE {name}", "CREATE TABLE made (id int PRIMARY KEY, a text, more int)",
            "INSERT INTO made SELECT n, 'new', n FROM generate_series(1, 30) n", f"ALTER TABLE made RENAME TO {name}"]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_table_dropped_created_and_renamed_within_a_chunks_life(database, capture, at_once, terminal):
    """The chunk was read of one table, and waits for its watermark while another takes the name."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 'old' FROM generate_series(1, 3000) n",
                     "CREATE TABLE other (id int PRIMARY KEY)", f"CREATE TABLE {database.watermarks} (slot TEXT PRIMARY KEY, watermark TEXT)",
                     f"INSERT INTO {database.watermarks} VALUES ('{database.slot}', '')",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    one = capture(["t", "other"], tail=True, advanced={"backfill_chunk_size": 50, **SOON})
    one.unreported["t"] = [database.position()]
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; SELECT FROM {database.watermarks} FOR UPDATE")
        process = one.start(terminal=terminal)
        database.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'source-postgres%'"
                          " AND datname = current_database() AND wait_event_type = 'Lock'")
        (database.transaction if at_once else database.execute)(*churn("t"))
        database.execute("UPDATE t SET a = 'newer' WHERE id = 7", "ALTER TABLE t ADD x int", "UPDATE t SET a = 'newest' WHERE id = 8")
        cursor.execute("ROLLBACK")
    process.wait_for_active()
    database.execute("INSERT INTO other VALUES (1)", "DELETE FROM t WHERE id = 9")
    process.wait_for(lambda run: run.records_of("other") and run.records_before_last_state() == len(run.records))
    one.keep(process.stop())
    one.tail = False
    one.run()
    one.materialised({"t": ["id"], "other": ["id"]}, {"t": 2}).assert_equal(database)


SWAP = ["ALTER TABLE t RENAME TO x", "ALTER TABLE u RENAME TO t", "ALTER TABLE x RENAME TO u"]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("change", [churn("t"), SWAP], ids=["recreated", "swapped"])
def test_a_table_that_another_one_replaces_again_and_again(database, capture, change, terminal):
    """At any moment of its backfills: the last table with that name is captured."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t SELECT n, 'old' FROM generate_series(1, 3000) n",
                     "CREATE TABLE u (id int PRIMARY KEY, b int, a text)", "INSERT INTO u SELECT n, n, 'u' FROM generate_series(5, 2000) n",
                     "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO other VALUES (1)",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    one = capture(["t", "other"], tail=True, advanced={"backfill_chunk_size": 5, **SOON})
    one.unreported["t"] = [database.position()]
    process = one.start(terminal=terminal).wait_for_records(20)
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        database.transaction(*change)
        database.execute("UPDATE t SET a = 'newer' WHERE id = 7")
    database.execute("INSERT INTO other VALUES (2)")
    process.wait_for(lambda run: len(run.records_of("other")) == 2)
    time.sleep(2.5)
    process.wait_for_active()
    one.keep(process.stop())
    one.tail = False
    one.run()
    one.materialised({"t": ["id"], "other": ["id"]}, {"t": None}).assert_equal(database)


def test_what_is_backfilled_is_shown_however_many_tables_there_are(database, capture):
    """And how long it takes."""
    database.execute(*(f"CREATE TABLE {name} (id int PRIMARY KEY, a text)" for name in [*TABLES, "zz_last", "zz_more"]),
                     "INSERT INTO zz_last SELECT n, repeat('x', 300) FROM generate_series(1, 20000) n", "ANALYZE")
    one = capture([*TABLES, "zz_last", "zz_more"], tail=True, advanced={"backfill_mb_per_second": 2, "backfill_chunk_size": 1000})
    process = one.start(terminal=True)
    process.wait_for(lambda run: re.search(r" rows/s,.*, about \d+ s left", run.stderr))
    assert re.search(r"public\.zz_last +backfill +\d+ of about 20000 rows [^\n]*\n([^\n]*zz_more[^\n]*\n)?[^\n]*table_number_0 +changes", process.stderr), process.story()
    assert "2 more tables" in process.stderr, process.story()
    process.stop()


@pytest.mark.parametrize("columns, has_rate, has_time", [(True, True, True), (120, True, True), (80, True, False), (66, False, False)])
def test_the_line_of_a_table_has_its_rate_and_time_left_if_there_is_room(database, capture, columns, has_rate, has_time):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, a text)",
                     "INSERT INTO items SELECT n, repeat('x', 300) FROM generate_series(1, 20000) n", "ANALYZE")
    one = capture(["items"], tail=True, advanced={"backfill_mb_per_second": 2, "backfill_chunk_size": 1000})
    process = one.start(terminal=columns).wait_for_active()
    drawn = [line for line in re.split(r"[\r\n]+", process.stop().stderr) if "public.items" in line and " backfill " in line]
    lines = [re.sub(r"\x1b\[\??\d*[A-Za-z]", "", line) for line in drawn]
    assert lines and all(re.match(r"public\.items backfill +\d+ of about 20000 rows \(\d+ %\)(, \d+/s)?(, about \d+ s left)?$", line) for line in lines)
    assert any("/s" in line for line in lines) == has_rate and any(" left" in line for line in lines) == has_time, lines
    assert columns is True or max(map(len, lines)) <= columns, lines
