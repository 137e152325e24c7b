"""TRACE messages for a platform: the status of each stream, its estimated rows, and the stream that an error is
about."""

import pytest

from capture import stream
from connector import run


def statuses(process):
    """Of each stream, in their order; with the index of the message."""
    found = {}
    for index, message in enumerate(process.messages):
        if message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
            status = message["trace"]["stream_status"]
            descriptor = status["stream_descriptor"]
            found.setdefault((descriptor["namespace"], descriptor["name"]), []).append((status["status"], index))
    return found


def estimates(process):
    return {message["trace"]["estimate"]["name"]: message["trace"]["estimate"] for message in process.of_type("TRACE")
            if message["trace"]["type"] == "ESTIMATE"}


@pytest.fixture(name="tables")
def two_tables(database):
    for name in ("one", "two"):
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)", f"INSERT INTO {name} SELECT generate_series(1, 300)",
                         f"ANALYZE {name}")
    return database


def test_every_stream_starts_runs_and_completes(tables, capture):
    one = capture(["one", "two"])
    for _ in range(2):
        process = one.run()
        found = statuses(process)
        assert set(found) == {("public", "one"), ("public", "two")}
        records = [index for index, message in enumerate(process.messages) if message["type"] in ("RECORD", "STATE")]
        for entries in found.values():
            assert [status for status, _ in entries] == ["STARTED", "RUNNING", "COMPLETE"]
            assert entries[1][1] < records[0] and records[-1] < entries[2][1]
        tables.execute("DELETE FROM one WHERE id = 1")


def test_a_read_that_is_stopped_completes_no_stream(tables, capture):
    process = capture(["one", "two"], tail=True).start().wait_for_active().stop()
    assert {entries[-1][0] for entries in statuses(process).values()} == {"INCOMPLETE"}


def test_rows_are_estimated_before_they_are_read_and_only_then(tables, capture):
    one = capture(["one", "two"])
    assert estimates(one.run()) == {
        name: {"name": name, "namespace": "public", "type": "STREAM", "row_estimate": 300,
               "byte_estimate": tables.value(f"SELECT pg_relation_size('{name}')")}
        for name in ("one", "two")}
    assert not estimates(one.run())


def test_an_error_of_one_stream_names_it(tables, capture):
    """The other one is not called incomplete for it."""
    tables.execute("CREATE TABLE loose (id int NOT NULL UNIQUE, n int NOT NULL UNIQUE)",
                   "ALTER TABLE loose REPLICA IDENTITY USING INDEX loose_n_key")
    process = capture(["one", stream("loose", key=["id"])]).start().finish()
    assert process.process.returncode > 0
    assert process.errors[0]["stream_descriptor"] == {"name": "loose", "namespace": "public"}, process.errors
    assert {name: entries[-1][0] for name, entries in statuses(process).items()} == {("public", "loose"): "INCOMPLETE"}


def descriptors(process):
    return [error.get("stream_descriptor") for error in process.errors]


@pytest.mark.parametrize("streams", [["one", "two", "two"], ["one", stream("two", sync_mode="cdc")],
                                     ["one", {**stream("two"), "primary_key": "id"}], ["one", stream("two", key=["id", "id"])],
                                     ["one", stream("two", key=["nosuch"])], ["one", stream("two", sync_mode="cdc", key=["id", "id"])]])
def test_a_fault_of_one_stream_in_the_catalog_names_it(tables, capture, streams):
    """Whether the catalog alone shows the fault, or the table."""
    process = capture(streams).start().finish()
    assert process.process.returncode > 0
    assert descriptors(process) == [{"name": "two", "namespace": "public"}], process.errors
    assert {name: entries[-1][0] for name, entries in statuses(process).items()} == {("public", "two"): "INCOMPLETE"}


def test_faults_of_several_streams_in_the_catalog_are_reported_as_one(tables, capture):
    process = capture([stream("one", sync_mode="cdc"), stream("two", sync_mode="cdc")]).start().finish()
    assert descriptors(process) == [None] and len(process.errors[0]["message"].splitlines()) == 2


def test_errors_of_several_streams_name_each_and_then_all(tables, capture):
    tables.execute("CREATE UNLOGGED TABLE passing (id int PRIMARY KEY)")
    process = capture(["one", "nosuch", "passing"]).start().finish()
    assert process.process.returncode > 0
    *each, whole = process.errors
    assert [error["stream_descriptor"]["name"] for error in each] == ["nosuch", "passing"]
    assert "does not exist" in each[0]["message"] and "SET LOGGED" in each[1]["message"]
    assert whole["message"].splitlines() == [error["message"] for error in each] and "stream_descriptor" not in whole
    assert {name: [status for status, _ in entries] for name, entries in statuses(process).items()} == {
        ("public", "nosuch"): ["INCOMPLETE"], ("public", "passing"): ["INCOMPLETE"]}
    assert all(line in process.stderr for line in whole["message"].splitlines())


def test_unusable_keys_are_reported_by_stream_and_together(tables, capture):
    for name in ("loose", "looser"):
        tables.execute(f"CREATE TABLE {name} (id int NOT NULL UNIQUE, n int NOT NULL UNIQUE)",
                       f"ALTER TABLE {name} REPLICA IDENTITY USING INDEX {name}_n_key")
    process = capture(["one", stream("loose", key=["id"]), stream("looser", key=["id"])]).start().finish()
    assert [error.get("stream_descriptor", {}).get("name") for error in process.errors] == ["loose", "looser", None]


def test_many_streams_in_error_are_each_reported(tables, capture):
    names = [f"no_such_table_{n}" for n in range(200)]
    process = capture(names).start().finish()
    assert [error.get("stream_descriptor", {}).get("name") for error in process.errors] == [*names, None]
    assert process.errors[-1]["message"].splitlines()[-1] == "…"


def test_an_error_while_running_names_its_stream(tables, capture):
    tables.execute(tables.publish_all)
    process = capture(["one", "two"], tail=True, advanced={"on_untracked_change": "fail"}).start().wait_for_active()
    tables.execute("DROP TABLE two", "CREATE TABLE two (id int PRIMARY KEY)", "INSERT INTO two VALUES (1)")
    process.finish()
    assert process.process.returncode > 0 and process.errors[0]["stream_descriptor"]["name"] == "two", process.story()
    assert "table public.two is another one" in process.errors[0]["message"]
    found = statuses(process)
    assert {entries[-1][0] for entries in found.values()} == {"INCOMPLETE"}


def test_check_reports_every_problem_with_the_statement_that_fixes_it(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE USER checked WITH PASSWORD 'other-s3cret'")
    try:
        one = capture([], user="checked", password="other-s3cret")
        process = run("check", "--config", one.path("config.json", one.config)).succeed()
        status = process.of_type("CONNECTION_STATUS")[0]["connectionStatus"]
        assert status["status"] == "FAILED"
        lines = status["message"].splitlines()
        for statement in ("ALTER ROLE", "CREATE PUBLICATION", "CREATE TABLE"):
            assert sum(statement in line for line in lines) == 1, lines
    finally:
        database.execute("DROP USER checked")
