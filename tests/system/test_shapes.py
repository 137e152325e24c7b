"""The memory for shapes of tables is bounded, however many other tables come and go, and however often the captured
ones change."""

import pytest

from again import SOON
from connector import PATIENCE
from test_scale import resident_mib

COLUMNS = ", ".join(f"a_column_whose_name_is_as_long_as_names_are_allowed_to_be_{n:02} int" for n in range(80))
TABLES = 150  # of a round: the shapes of some 4 MB
ROUNDS = 6

# Each is written to in two shapes and dropped, so that the server describes two of each.
UNCAPTURED = f"""DO $$ BEGIN FOR n IN 1..{TABLES} LOOP
    EXECUTE format('CREATE TABLE passing_%s ({COLUMNS})', n); EXECUTE format('INSERT INTO passing_%s DEFAULT VALUES', n); COMMIT;
    EXECUTE format('ALTER TABLE passing_%s ADD more int', n); EXECUTE format('INSERT INTO passing_%s DEFAULT VALUES', n); COMMIT;
    EXECUTE format('DROP TABLE passing_%s', n); COMMIT; END LOOP; END $$"""

CAPTURED = f"""DO $$ BEGIN FOR n IN 1..{2 * TABLES} LOOP
    EXECUTE 'ALTER TABLE t REPLICA IDENTITY ' || (array['FULL', 'DEFAULT'])[1 + n % 2]; INSERT INTO t (a) VALUES ('x'); COMMIT;
    END LOOP; END $$"""


@pytest.mark.limit(240)
@pytest.mark.parametrize("statement", [UNCAPTURED, CAPTURED], ids=["uncaptured", "captured"])
def test_shapes_that_nothing_is_in_any_more_are_forgotten(database, capture, statement):
    """Looks at the tables come each second: tables dropped by then are forgotten soon after."""
    database.execute("SET statement_timeout = 0", f"CREATE TABLE t (id serial PRIMARY KEY, a text, {COLUMNS})", database.publish_all)
    one = capture(["t"], tail=True, advanced=SOON)
    process = one.start().wait_for_active()
    sizes = []
    for _ in range(ROUNDS):
        database.execute(statement, "INSERT INTO t (a) VALUES ('x')")
        wanted = database.value("SELECT count(*) FROM t")
        process.wait_for(lambda run, wanted=wanted: run.records_before_last_state() >= wanted)
        sizes.append(resident_mib(process))
    print(f"resident {[round(size, 1) for size in sizes]} MiB")
    one.keep(process.stop())
    one.assert_equal(t=["id"])
    assert sizes[-1] - sizes[2] < 4 or PATIENCE > 1, f"resident {sizes} MiB"
