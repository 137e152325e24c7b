"""A key of another order, or another key: the table is backfilled again, in the middle of its backfill and after it,
while the capture runs and between two runs. With a key of the same order the capture continues."""

from contextlib import closing

import pytest

import flow as flow_module
from again import (SOON, assert_lives, assert_said_again, resume_from, kill_in_backfill, location, said_again, stand_still,
                   wait_until_again, warnings)
from capture import stream
from connector import PATIENCE
from server import major

pytestmark = pytest.mark.every_other

ROWS = 5000
SMALL = {"backfill_chunk_size": 10, **SOON}
INT = ("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, a text)",
       "INSERT INTO t SELECT n, {rows} - n, 'a' || n FROM generate_series(1, {rows}) n")
TEXT = ('CREATE TABLE t (id text COLLATE "C" PRIMARY KEY, code int NOT NULL UNIQUE, a text)',
        "INSERT INTO t SELECT (array['a','B','ä','Z','-','é'])[1 + n % 6] || n, {rows} - n, 'a' || n FROM generate_series(1, {rows}) n")
ENUM = ("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
        "CREATE TABLE t (mood mood, id int, code int NOT NULL UNIQUE, a text, PRIMARY KEY (mood, id))",
        "INSERT INTO t SELECT (array['sad', 'ok', 'happy'])[1 + n % 3]::mood, n, {rows} - n, 'a' || n FROM generate_series(1, {rows}) n")
FILL = "INSERT INTO t SELECT {value}, n, {{rows}} - n, 'a' || n FROM generate_series(1, {{rows}}) n"


def of_type(name, value, *types):
    """A table whose key begins with a column of a type that has other types in it."""
    return ("CREATE TYPE mood AS ENUM ('sad', 'ok')", *types,
            f"CREATE TABLE t (k {name}, id int, code int NOT NULL UNIQUE, a text, PRIMARY KEY (k, id))", FILL.format(value=value))


ARRAY = of_type("mood[]", "ARRAY['sad', 'ok']::mood[]")
ROW = of_type("pair", "ROW('sad', 1)::pair", "CREATE TYPE pair AS (m mood, n int)")
RANGE = of_type("moods", "moods('sad', 'ok', '[]')", "CREATE TYPE moods AS RANGE (subtype = mood)")
DOMAIN = of_type("doubt", "'sad'", "CREATE DOMAIN doubt AS mood")
TO_BLUE = "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'"
ICU = 'ALTER TABLE t ALTER id TYPE text COLLATE "en-US-x-icu"'

# name: the table, its key before and after, and what happens to it
OTHER_KEYS = {
    "int_to_text": (INT, ["id"], ["id"], ["ALTER TABLE t ALTER id TYPE text"]),
    "int_to_numeric": (INT, ["id"], ["id"], ["ALTER TABLE t ALTER id TYPE numeric"]),
    "c_to_icu": (TEXT, ["id"], ["id"], [ICU]),
    "text_to_bytea": (TEXT, ["id"], ["id"], ["ALTER TABLE t ALTER id TYPE bytea USING convert_to(id, 'UTF8')"]),
    "label_renamed": (ENUM, ["mood", "id"], ["mood", "id"], [TO_BLUE]),
    "label_renamed_and_added_after_it": (ENUM, ["mood", "id"], ["mood", "id"], [TO_BLUE, "ALTER TYPE mood ADD VALUE 'sad' AFTER 'blue'"]),
    "label_renamed_and_added_before_it": (ENUM, ["mood", "id"], ["mood", "id"], [TO_BLUE, "ALTER TYPE mood ADD VALUE 'sad' BEFORE 'blue'"]),
    "label_within_an_array": (ARRAY, ["k", "id"], ["k", "id"], [TO_BLUE]),
    "label_within_a_row": (ROW, ["k", "id"], ["k", "id"], [TO_BLUE]),
    "label_within_a_range": (RANGE, ["k", "id"], ["k", "id"], [TO_BLUE]),
    "label_within_a_domain": (DOMAIN, ["k", "id"], ["k", "id"], [TO_BLUE]),
    "row_with_another_attribute": (ROW, ["k", "id"], ["k", "id"], ["ALTER TYPE pair ADD ATTRIBUTE more int"]),
    "moved": (INT, ["id"], ["code"], ["ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)"]),
    "moved_beside_a_new_column": (INT, ["id"], ["code"], [
        "ALTER TABLE t ADD more int, DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)"]),
    "widened_by_a_column": (INT, ["id"], ["id", "code"], ["ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, code)"]),
    "renamed": (INT, ["id"], ["uid"], ["ALTER TABLE t RENAME id TO uid"]),
    "dropped": (INT, ["id"], ["code"], ["ALTER TABLE t DROP id, ADD PRIMARY KEY (code)"]),
    "names_swapped": (INT, ["id"], ["id"], [
        "ALTER TABLE t RENAME id TO x", "ALTER TABLE t RENAME code TO id", "ALTER TABLE t RENAME x TO code",
        "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id)"]),
}
# Once all rows are out, nothing is read in the order of the key.
AFTERWARDS = [change for change in OTHER_KEYS if change != "c_to_icu"]
# The stream does not announce it: until the next look, changes of such a row come by a key that no row was captured by.
UNANNOUNCED = [change for change in OTHER_KEYS if "label" in change or "attribute" in change]
CHANGE = "UPDATE t SET a = 'newer' WHERE a = 'a100'"


@pytest.fixture(name="begin")
def begin_capture(database, capture):
    """begin(definition, rows, option=...): a capture of such a table t."""

    def begin(definition, rows=ROWS, **options):
        database.execute(*[statement.format(rows=rows) for statement in definition],
                         "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO other VALUES (1)")
        return capture(["other", "t"], advanced={**SMALL, **options})

    return begin


def change_in_backfill(one, process, statements, rows=ROWS):
    """The statements hold the table's lock, so no chunk is read beside them."""
    stand_still(process)
    with closing(one.database.connect()) as session, session.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE t")
        resume_from(process)
        assert len(process.records_of("t")) < rows - 500, "the backfill is nearly over: this test tests nothing"
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("COMMIT")


def both(before, after):
    return {"t": [before, after], "other": ["id"]}


@pytest.mark.parametrize("change", OTHER_KEYS)
def test_in_mid_backfill_while_running(database, begin, change):
    definition, before, after, statements = OTHER_KEYS[change]
    one = begin(definition)
    process = one.start()
    change_in_backfill(one, process, statements)
    database.execute("INSERT INTO other VALUES (2)", CHANGE)
    one.keep(process.succeed())
    assert_said_again(process)
    database.execute("DELETE FROM t WHERE code < 100")
    one.run()
    assert_lives(one, both(before, after), {"t": 2})


@pytest.mark.parametrize("change", OTHER_KEYS)
def test_in_mid_backfill_between_two_runs(database, begin, change):
    definition, before, after, statements = OTHER_KEYS[change]
    one = begin(definition)
    kill_in_backfill(one, ROWS)
    database.execute(CHANGE, *statements, "INSERT INTO other VALUES (2)")
    assert_said_again(one.run())
    database.execute("DELETE FROM t WHERE code < 100")
    one.run()
    assert_lives(one, both(before, after), {"t": 2})


@pytest.mark.parametrize("change", AFTERWARDS)
def test_after_the_backfill_while_running(database, begin, change):
    definition, before, after, statements = OTHER_KEYS[change]
    one = begin(definition, 50)
    one.tail = True
    process = one.start().wait_for_active()
    database.execute("UPDATE t SET a = 'old shape' WHERE code = 7")
    if change in UNANNOUNCED:
        one.unreported["t"] = [database.position()]
    database.execute(*statements, "UPDATE t SET a = 'new shape' WHERE code = 10", "INSERT INTO other VALUES (2)")
    wait_until_again(process)
    assert_said_again(process)
    count = len(process.records)
    database.execute("UPDATE t SET a = 'newest' WHERE a LIKE '%9'", "DELETE FROM t WHERE a = 'a3'")
    process.wait_for(lambda run: run.records_before_last_state() >= count + 6)
    one.keep(process.stop())
    assert_lives(one, both(before, after), {"t": 2})


@pytest.mark.parametrize("change", AFTERWARDS)
def test_changes_in_the_old_shape_wait_between_two_runs(database, begin, change):
    """The stream brings them first, and they do not end the capture."""
    definition, before, after, statements = OTHER_KEYS[change]
    one = begin(definition, 50)
    one.run()
    database.execute(*[f"UPDATE t SET a = 'old {n}' WHERE code = {n}" for n in range(10)], "DELETE FROM t WHERE code = 11",
                     *statements, "UPDATE t SET a = 'new shape' WHERE code = 10", "INSERT INTO other VALUES (2)")
    assert_said_again(one.run())
    database.execute("UPDATE t SET a = 'newest' WHERE a LIKE '%9'", "DELETE FROM t WHERE a = 'a3'")
    process = one.run()
    assert not warnings(process), process.story()
    assert_lives(one, both(before, after), {"t": 2})


@pytest.mark.parametrize("change", ["int_to_text", "moved", "renamed", "dropped", "label_renamed"])
def test_changes_in_the_old_shape_wait_between_two_sessions_of_flow(database, flow, change):
    definition, before, after, statements = OTHER_KEYS[change]
    database.execute(*[statement.format(rows=50) for statement in definition], "CREATE TABLE other (id int PRIMARY KEY)")
    one = flow([flow_module.binding("t", key=before), "other"])
    one.run()
    database.execute(*[f"UPDATE t SET a = 'old {n}' WHERE code = {n}" for n in range(10)], "DELETE FROM t WHERE code = 11",
                     *statements, "UPDATE t SET a = 'new shape' WHERE code = 10", "INSERT INTO other VALUES (2)")
    one.bindings[0] = flow_module.binding("t", key=after)
    assert_said_again(one.run())
    database.execute("UPDATE t SET a = 'newest' WHERE a LIKE '%9'", "DELETE FROM t WHERE a = 'a3'")
    one.run()
    assert_lives(one, both(before, after), {"t": 2})


SAME_ORDER = {
    "int_to_bigint": (INT, ["ALTER TABLE t ALTER id TYPE bigint", "INSERT INTO t VALUES (5000000000, -1, 'far')"]),
    "bigint_to_int": (("CREATE TABLE t (id bigint PRIMARY KEY, code int NOT NULL UNIQUE, a text)", INT[1]), [
        "ALTER TABLE t ALTER id TYPE int"]),
    "varchar_to_text": (("CREATE TABLE t (id varchar(20) PRIMARY KEY, code int NOT NULL UNIQUE, a text)", INT[1]), [
        "ALTER TABLE t ALTER id TYPE text"]),
    "label_added": (ENUM, ["ALTER TYPE mood ADD VALUE 'angry' BEFORE 'ok'", "INSERT INTO t VALUES ('angry', 1, -1, 'new')"]),
    "constraint_renamed": (INT, ["ALTER TABLE t RENAME CONSTRAINT t_pkey TO the_key"]),
    "key_made_again": (INT, ["CREATE UNIQUE INDEX again ON t (id)",
                             "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY USING INDEX again"]),
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("change", SAME_ORDER)
def test_a_key_of_the_same_order_continues(database, begin, change, running):
    definition, statements = SAME_ORDER[change]
    if running and change == "label_added" and database.connection.server_version < 120000:
        pytest.skip("no transaction block may add a label before PostgreSQL 12")
    one = begin(definition)
    if running:
        process = one.start()
        change_in_backfill(one, process, statements[:1] if "label" in change else statements)
        database.execute(*statements[1:] if "label" in change else ())
        one.keep(process.succeed())
    else:
        kill_in_backfill(one, ROWS)
        database.execute(*statements)
        process = one.run()
    assert not said_again(process), process.story()
    assert any("USING changed values" in line for line in warnings(process)) == ("bigint" in change), process.story()
    database.execute(CHANGE, "DELETE FROM t WHERE code < 100")
    one.run()
    key = ["mood", "id"] if definition is ENUM else ["id"]
    assert_lives(one, {"t": key, "other": ["id"]}, {"t": 1})


ICU_TEXT = 'text COLLATE "en-US-x-icu"'
COLLATED = {
    "column": of_type(ICU_TEXT, "'a'"),
    "default": of_type("text", "'a'"),
    "array": of_type('text[] COLLATE "en-US-x-icu"', "ARRAY['a']"),
    "domain": of_type("word", "'a'", f"CREATE DOMAIN word AS {ICU_TEXT}"),
    "row": of_type("pair", "ROW('a', 1)::pair", f"CREATE TYPE pair AS (a {ICU_TEXT}, n int)"),
    "range": of_type("words", "words('a', 'b')", 'CREATE TYPE words AS RANGE (subtype = text, collation = "en-US-x-icu")'),
    "row_in_an_array": of_type("pair[]", "ARRAY[ROW('a', 1)]::pair[]", f"CREATE TYPE pair AS (a {ICU_TEXT}, n int)"),
}


@pytest.mark.parametrize("where", COLLATED)
def test_another_version_of_a_collation(database, begin, where):
    """As after an upgrade of the operating system: the functions that ask its libraries say another version."""
    one = begin(COLLATED[where])
    kill_in_backfill(one, ROWS)
    of_database = ("pg_database_collation_actual_version(database_oid",) if major() >= 15 else ()
    for function in ("pg_collation_actual_version(collation_oid", *of_database):
        database.execute(f"CREATE OR REPLACE FUNCTION pg_catalog.{function} oid) RETURNS text LANGUAGE sql AS $$SELECT '999.1'::text$$")
    assert_said_again(one.run())
    assert one.materialised({"t": ["k", "id"], "other": ["id"]}, {"t": 2, "other": 2}).oracles["public", "t"].life == 2
    assert not said_again(one.run())


IDENTITY_MOVED = {
    "using_index": ["CREATE UNIQUE INDEX u ON t (code)", "ALTER TABLE t REPLICA IDENTITY USING INDEX u"],
    "key_moved": ["ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)"],
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("how", IDENTITY_MOVED)
def test_a_key_that_changes_outside_of_the_identity_is_no_update_of_a_row_that_never_was(database, begin, capture, how, running):
    """The identity is decided on when the shape arrives: an error that names the table and whose remedy works, or the
    table comes again; never `u` of row 100 while row 5 stays."""
    one = begin(INT, 20)
    if how == "using_index":
        one.streams[1] = stream("t", key=["id"])
    one.tail = running
    process = one.start()
    if running:
        process.wait_for_active()
    else:
        one.keep(process.succeed())
    database.execute(*IDENTITY_MOVED[how], "UPDATE t SET id = 100 WHERE id = 5", "INSERT INTO other VALUES (2)")
    if not running:
        one.tail = True
        process = one.start()
    process.wait_for(lambda run: run.process.poll() is not None or any(
        record["data"]["id"] == 2 for record in run.records_of("other")))
    if process.process.poll() is None:
        process.process.terminate()
    one.keep(process.finish(30 * PATIENCE))
    wrong = [record for record in one.records if record["stream"] == "t" and record["data"].get("id") == 100
             and record["data"]["_meta"]["op"] == "u"]
    assert not wrong, f"row 5 stays downstream: {wrong}"
    one.tail = False
    if not process.process.returncode:
        process = one.start().finish()
    if process.process.returncode:
        text = process.errors[-1]["message"]
        assert process.errors[-1]["failure_type"] == "config_error", process.story()
        assert "public.t" in text.replace('"', "") and "REPLICA IDENTITY" in text, process.story()
        database.execute("ALTER TABLE t REPLICA IDENTITY FULL")
    else:
        one.keep(process)
    one.run()
    database.execute("ALTER TABLE t REPLICA IDENTITY FULL", "UPDATE t SET id = 101 WHERE id = 100", "DELETE FROM t WHERE id = 7")
    one.run()
    last = ["id"] if how == "using_index" else ["code"]
    one.materialised({"t": [["id"], last], "other": ["id"]}, {"t": 2}).assert_equal(database)


@pytest.mark.parametrize("running", [True, False])
def test_what_waits_between_two_runs_of_another_table_is_not_lost(database, begin, running):
    """The table that is backfilled again does not delay the others, nor make them repeat anything."""
    one = begin(INT, 50)
    one.tail = running
    process = one.start()
    if running:
        process.wait_for_active()
    else:
        one.keep(process.succeed())
    database.transaction("INSERT INTO other SELECT generate_series(2, 200)", "ALTER TABLE t ALTER id TYPE text",
                         "UPDATE t SET a = 'in the same transaction' WHERE code = 7", "UPDATE other SET id = 1000 WHERE id = 100",
                         "DELETE FROM other WHERE id = 50")
    if running:
        wait_until_again(process)
        one.keep(process.stop())
        one.tail = False
    assert_said_again(process if running else one.run())
    assert not said_again(one.run())
    assert_lives(one, {"t": ["id"], "other": ["id"]}, {"t": 2, "other": 1})


CHOSEN = ("CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL, a text)", "ALTER TABLE t REPLICA IDENTITY FULL", INT[1])
CHANGED_CHOICES = {
    "another_type": ["ALTER TABLE t ALTER code TYPE text"], "the_own_key_goes": ["ALTER TABLE t DROP CONSTRAINT t_pkey"],
    "renamed_and_back": ["ALTER TABLE t RENAME code TO x", "ALTER TABLE t RENAME x TO code"],
    "the_key_may_be_null": ["ALTER TABLE t ALTER code DROP NOT NULL"],
}


@pytest.mark.parametrize("when", ["running", "between", "active"])
@pytest.mark.parametrize("change", CHANGED_CHOICES)
def test_a_chosen_key_that_no_index_has(database, begin, change, when):
    """Its rows are read in ctid order; the table is backfilled again at most, and nothing is lost."""
    statements = CHANGED_CHOICES[change]
    one = begin(CHOSEN, 50 if when == "active" else ROWS)
    one.streams[1] = stream("t", key=["code"])
    if when == "running":
        process = one.start()
        change_in_backfill(one, process, statements)
        database.execute("INSERT INTO other VALUES (2)")
        one.keep(process.succeed())
    else:
        one.run() if when == "active" else kill_in_backfill(one, ROWS)
        database.execute(*statements, "INSERT INTO other VALUES (2)")
        one.run()
    database.execute("DELETE FROM t WHERE id < 100", "UPDATE t SET a = 'newer' WHERE id % 7 = 0")
    one.run()
    one.materialised({"t": ["code"], "other": ["id"]}, {"t": 2}).assert_equal(database)
