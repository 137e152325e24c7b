"""Rights that a capture's user lacks, and problems of its slot and publication: reported before it begins, or as soon
as they show, with the remedy."""

import pytest

from connector import run
from refusal import assert_refused

WATERMARKS = "CREATE TABLE {table} (slot TEXT PRIMARY KEY, watermark TEXT)"


@pytest.fixture(name="prepared")
def prepared_database(database):
    """A table, a publication of all tables, and the watermarks table."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'v' FROM generate_series(1, 1000) n",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES", WATERMARKS.format(table=database.watermarks))
    return database


def check(one):
    """The message of a check, or None."""
    found = run("check", "--config", one.path("config.json", one.config)).succeed().of_type("CONNECTION_STATUS")[0]
    return found["connectionStatus"].get("message")


def remedy(message, start):
    """The statements that a message says to run."""
    assert start in message, message
    return start + message.split(start, 1)[1].split(", or ")[0].split(", and ")[0].split("\n")[0].split(" (a column")[0]


GRANTS = ("GRANT SELECT ON t TO {user}", "GRANT ALL ON public.watermarks_of_the_test TO {user}")


def test_the_grants_of_the_documentation_are_enough_for_check(prepared, capture, user):
    """The set-up without pg_read_all_data, which versions before 14 do not have."""
    one = capture(["t"], **user("REPLICATION", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}", GRANTS[1]))
    assert check(one) is None
    one.run()
    prepared.execute("UPDATE t SET v = 'w' WHERE id < 10", "DELETE FROM t WHERE id > 990")
    one.run()
    one.assert_equal(t=["id"])


def test_a_grant_on_columns_alone(prepared, capture, user):
    one = capture(["t"], **user("REPLICATION", "GRANT SELECT (id, v) ON t TO {user}", GRANTS[1]))
    assert_refused(one.start().finish(), "config_error", "may not read table", "GRANT SELECT ON TABLE")
    assert not prepared.query("SELECT FROM pg_replication_slots WHERE database = current_database()"), "a slot was left"
    prepared.execute(remedy(check(one), "GRANT SELECT ON TABLE"))
    assert check(one) is None
    one.run()
    one.assert_equal(t=["id"])


@pytest.fixture(name="refused")
def refused_in_backfill(prepared, capture, user):
    """refused(statement): a capture whose backfill ended because of that statement, its process and the error's message."""

    def refuse(statement):
        prepared.execute("INSERT INTO t SELECT n, 'v' FROM generate_series(1001, 30000) n")
        who = user("REPLICATION", *GRANTS)
        one = capture(["t"], advanced={"backfill_chunk_size": 20}, **who)
        process = one.start().wait_for(lambda run: run.records_of("t"))
        prepared.execute(statement.format(user=f'"{who["user"]}"', watermarks=prepared.watermarks))
        process.finish()
        return one, process, process.errors[0]["message"]

    return refuse


@pytest.mark.parametrize("taken, given", [("REVOKE SELECT ON t FROM {user}", "GRANT SELECT ON TABLE"),
                                          ("REVOKE USAGE ON SCHEMA public FROM PUBLIC", "GRANT USAGE ON SCHEMA")])
def test_a_right_that_is_taken_away_during_the_backfill(prepared, refused, taken, given):
    """The statements that are named restore it, and the next run continues."""
    one, process, message = refused(taken)
    assert given in message and "public.t" in message, process.story()
    one.keep(process)
    for statement in message.split("; run ")[1].split("; "):
        prepared.execute(statement)
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("statement, said", [("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "BYPASSRLS"),
                                             ("REVOKE ALL ON {watermarks} FROM {user}", "writing the watermark")])
def test_what_is_refused_during_the_backfill_and_is_no_right_to_read(refused, statement, said):
    """No GRANT is named that would not help."""
    _, process, message = refused(statement)
    assert said in message and "GRANT" not in message, process.story()


@pytest.mark.parametrize("of", ["role", "database"])
def test_a_limit_of_connections_that_is_too_low(prepared, capture, user, of):
    one = capture(["t"], advanced={"backfill_workers": 4}, **user("REPLICATION CONNECTION LIMIT 2" if of == "role" else "REPLICATION", *GRANTS))
    if of == "database":
        prepared.execute(f"ALTER DATABASE {prepared.name} CONNECTION LIMIT 6")
    message = check(one)
    assert "needs 7" in message
    prepared.execute(remedy(message, f"ALTER {of.upper()}"))
    assert check(one) is None
    one.run()
    one.assert_equal(t=["id"])


def test_a_limit_of_one_connection_is_distinguished_from_a_lack_of_wal_senders(prepared, capture, user):
    one = capture(["t"], **user("REPLICATION CONNECTION LIMIT 1", *GRANTS))
    message = check(one)
    assert "CONNECTION LIMIT 4" in message and "max_wal_senders" not in message and len(message.splitlines()) == 1
    prepared.execute(remedy(message, "ALTER ROLE"))
    assert check(one) is None


@pytest.mark.since(14)
def test_a_slot_that_sends_what_is_only_prepared(prepared, capture):
    prepared.execute(f"SELECT pg_create_logical_replication_slot('{prepared.slot}', 'pgoutput', false, true)")
    one = capture(["t"])
    message = check(one)
    assert "two_phase" in message
    prepared.execute(remedy(message, "SELECT pg_drop_replication_slot"))
    assert check(one) is None
    prepared.transaction("UPDATE t SET v = 'w'")
    one.run()
    one.assert_equal(t=["id"])


@pytest.mark.parametrize("operations, missing", [("insert, update", "deletes"), ("insert, delete", "updates"), ("update, delete", "inserts")])
def test_a_publication_that_leaves_something_out(prepared, capture, operations, missing):
    prepared.execute(f"ALTER PUBLICATION {prepared.publication} SET (publish = '{operations}')")
    one = capture(["t"])
    message = check(one)
    assert f"does not publish {missing}" in message
    prepared.execute(remedy(message, "ALTER PUBLICATION"))
    assert check(one) is None


@pytest.mark.since(14)  # pg_read_all_data
@pytest.mark.parametrize("mend", ["ALTER ROLE {user} BYPASSRLS", "ALTER TABLE t DISABLE ROW LEVEL SECURITY"])
def test_row_security_switched_on_during_the_backfill(prepared, capture, user, mend):
    who = user("REPLICATION", "GRANT pg_read_all_data TO {user}", GRANTS[1])
    one = capture(["t"], advanced={"backfill_chunk_size": 10}, **who)
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    prepared.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    process.go_on().finish()
    assert process.process.returncode == 1 and process.errors[0]["failure_type"] == "config_error", process.story()
    message = process.errors[0]["message"]
    assert '"t"' in message and f'ALTER ROLE "{who["user"]}" BYPASSRLS' in message and "DISABLE ROW LEVEL SECURITY" in message
    one.keep(process)
    assert_refused(one.start().finish(), "config_error", "row security hides rows", "BYPASSRLS")
    prepared.execute(mend.format(**who))
    one.run()
    one.assert_equal(t=["id"])
