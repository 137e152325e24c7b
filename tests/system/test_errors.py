"""Refusals: each one message that names what is wrong and what to do, a TRACE ERROR, a non-zero exit."""

import json
import re

import pytest

from capture import stream
from connector import run
from database import Database
from refusal import assert_refused
from server import Server, free_port

ANY_CONNECTION = ("config_error", "transient_error")
WRONG = "wr0ng-Passw0rd-xyz"


@pytest.fixture(name="one")
def one_capture(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    return capture(["items"])


def test_a_wrong_password(one):
    one.config["password"] = WRONG
    process = one.start().finish()
    assert_refused(process, "config_error", "password")
    assert WRONG not in process.stderr + json.dumps(process.messages)


def test_a_missing_password(one):
    del one.config["password"]
    assert_refused(one.start().finish(), "config_error", "password")


def test_an_unknown_database(one):
    one.config["database"] = "nowhere"
    assert_refused(one.start().finish(), "config_error", "nowhere")


def test_an_unknown_user(one):
    one.config["user"] = "stranger"
    assert_refused(one.start().finish(), "config_error")


def test_a_refused_connection(one):
    one.config["port"] = free_port()
    assert_refused(one.start().finish(), ANY_CONNECTION, str(one.config["port"]))


def test_an_unknown_host(one):
    one.config["host"] = "no-such-host.invalid"
    assert_refused(one.start().finish(), ANY_CONNECTION, "no-such-host.invalid")


def test_a_server_without_tls_when_it_is_required(one):
    one.config["advanced"] = {"sslmode": "require"}
    assert_refused(one.start().finish(), ANY_CONNECTION, "ssl")


def test_an_unknown_table(one, capture):
    assert_refused(capture(["itemz"]).start().finish(), "config_error", "itemz")


def test_a_view_is_not_a_table(one, database, capture):
    database.execute("CREATE VIEW seen AS SELECT * FROM items")
    assert_refused(capture(["seen"]).start().finish(), "config_error", "seen")


def test_the_captures_own_watermarks_table(one, database, capture):
    one.run()
    itself = capture([stream(database.watermarks.split(".")[1])])
    assert_refused(itself.start().finish(), "config_error", "take it out of the catalog")


def test_an_unknown_key_column(one, capture):
    assert_refused(capture([stream("items", key=["nosuch"])]).start().finish(), "config_error", "nosuch",
                   "correct primary_key")


def test_nothing_is_made_for_a_capture_that_cannot_begin(database, one, capture):
    """In particular no slot, for which the server would keep WAL."""
    assert_refused(capture([stream("items", key=["nosuch"])]).start().finish(), "config_error", "nosuch")
    assert not database.query("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
    assert not database.query("SELECT pubname FROM pg_publication")
    assert database.value(f"SELECT to_regclass('{database.watermarks}')") is None


PREPARED = ("CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.watermarks_of_the_test TO {user}")


def test_no_privilege_to_read_a_table(one, database, user):
    one.config.update(user("REPLICATION", *PREPARED))
    database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    process = one.start().finish()
    assert_refused(process, "config_error", "items", "GRANT SELECT")
    assert "other-s3cret" not in process.stderr


def test_no_replication_attribute(one, database, user):
    one.config.update(user("", *PREPARED, "GRANT SELECT ON items TO {user}"))
    database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert_refused(one.start().finish(), "config_error", "REPLICATION")


def test_no_privilege_to_connect(one, database, user):
    one.config.update(user())
    database.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
    assert_refused(one.start().finish(), "config_error", "GRANT CONNECT ON DATABASE")


def test_a_user_that_may_not_log_in(one, user):
    one.config.update(user("REPLICATION NOLOGIN"))
    assert_refused(one.start().finish(), "config_error", "28000", "not permitted to log in")


def test_no_privilege_to_create_the_publication(one, user):
    one.config.update(user("REPLICATION", *PREPARED, "GRANT SELECT ON items TO {user}"))
    assert_refused(one.start().finish(), "config_error", "CREATE PUBLICATION")


def test_the_publication_can_be_created_as_the_refusal_says(one, database, user):
    """Whatever else is wrong with the catalog: tables that cannot be published are named on lines of their own."""
    database.execute("CREATE VIEW seen AS SELECT * FROM items", "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)")
    one.config.update(user("REPLICATION", *PREPARED, "GRANT SELECT ON items TO {user}"))
    one.streams += [stream(name) for name in ("nosuch", "seen", "fleeting", "watermarks_of_the_test")]
    process = one.start().finish()
    database.execute(re.search("superuser (CREATE PUBLICATION .*)", process.stderr).group(1))
    assert database.query("SELECT tablename FROM pg_publication_tables ORDER BY 1") == [("items",), ("watermarks_of_the_test",)]
    del one.streams[1:]
    one.run()


def test_no_privilege_to_create_the_watermarks_table(one, database, user):
    one.config.update(user("REPLICATION", "GRANT SELECT ON items TO {user}"))
    database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert_refused(one.start().finish(), "config_error", "CREATE TABLE", "watermarks_of_the_test")


def test_no_privilege_to_write_the_watermarks_table(one, database, user):
    one.config.update(user("REPLICATION", "GRANT SELECT ON items TO {user}", PREPARED[0]))
    database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert_refused(one.start().finish(), "config_error", "GRANT", "watermarks_of_the_test")


def test_several_problems_are_reported_together(one, database, user):
    one.config.update(user("", "GRANT SELECT ON items TO {user}"))
    process = one.start().finish()
    assert_refused(process, "config_error", "REPLICATION", "CREATE PUBLICATION", "CREATE TABLE", lines=3)


def test_a_server_without_logical_wal(capture):
    with Server(wal_level="replica") as server:
        own = Database(server)
        own.execute("CREATE TABLE items (id int PRIMARY KEY)")
        one = capture(["items"], of=own)
        assert_refused(one.start().finish(), "config_error", "wal_level", "logical")
        answer = run("check", "--config", one.path("config.json", one.config)).succeed()
        status = answer.of_type("CONNECTION_STATUS")[0]["connectionStatus"]
        assert status["status"] == "FAILED" and "wal_level" in status["message"]


BROKEN = ["", "{", "[1,2", '{"a":}', "nonsense", '{"a":1} trailing', "\x00", '"text"', "12", "null"]


@pytest.mark.parametrize("which, option", [("config", 1), ("catalog", 3), ("state", 5)])
@pytest.mark.parametrize("text", BROKEN)
def test_broken_json(one, which, option, text):
    if which == "state" and text == "null":
        pytest.skip("null is an empty state")
    one.state = []
    arguments = one.arguments()
    with open(arguments[option], "w", encoding="utf-8") as file:
        file.write(text)
    assert_refused(run("read", *arguments), "config_error", which)


@pytest.mark.parametrize("which, option", [("config", 1), ("catalog", 3), ("state", 5)])
def test_an_unreadable_file(one, which, option):
    one.state = []
    arguments = one.arguments()
    arguments[option] = "/nowhere/at-all.json"
    assert_refused(run("read", *arguments), "config_error", "/nowhere/at-all.json")
    arguments[option] = "/tmp"
    assert_refused(run("read", *arguments), "config_error", "/tmp")


@pytest.mark.parametrize("wrong, right", [({"hots": "x"}, "host"), ({"slotname": "x"}, "slot_name"),
                                          ({"publication": "x"}, "publication_name"),
                                          ({"advanced": {"backfill_chunksize": 5}}, "backfill_chunk_size"),
                                          ({"advanced": {"sslmod": "x"}}, "sslmode")])
def test_an_unknown_option_names_the_nearest_known_one(one, wrong, right):
    one.config.update(wrong)
    name = next(iter(wrong.get("advanced", wrong)))
    assert_refused(one.start().finish(), "config_error", name, right)


@pytest.mark.parametrize("wrong", [{"port": "many"}, {"port": 0}, {"port": 70000}, {"host": 5}, {"host": ""}, {"user": None},
                                   {"slot_name": "Not-A-Slot"}, {"advanced": []},
                                   {"advanced": {"backfill_chunk_size": "x"}},
                                   {"advanced": {"state_type": "other"}}, {"advanced": {"sslmode": "maybe"}}])
def test_a_wrong_value_names_its_option(one, wrong):
    one.config.update(wrong)
    name = next(iter(wrong.get("advanced") or wrong))
    assert_refused(one.start().finish(), "config_error", name)


def test_all_faults_of_a_configuration_are_reported_together(one):
    one.config.update({"port": 0, "slotname": "x", "advanced": {"sslmode": "maybe"}})
    del one.config["user"]
    process = one.start().finish()
    assert_refused(process, "config_error", "port", "slotname", "sslmode", "user is missing", lines=4)
    answer = run("check", "--config", one.path("config.json", one.config)).succeed()
    assert answer.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["message"] == process.errors[0]["message"]


def test_all_faults_of_a_catalog_are_reported_together(one):
    arguments = one.arguments()
    arguments[3] = one.path("catalog.json", {"tail": 5, "streams": [5, {**stream("items"), "sync_mode": "cdc"}]})
    assert_refused(run("read", *arguments), "config_error", "tail", "streams[0]", "cdc", lines=3)


@pytest.mark.parametrize("required", ["host", "user"])
def test_a_missing_option_is_named(one, required):
    del one.config[required]
    assert_refused(one.start().finish(), "config_error", required)


@pytest.mark.parametrize("catalog", [{}, {"streams": None}, {"streams": 5}, {"streams": [5]}, {"streams": [{}]},
                                     {"streams": [{"stream": {"namespace": "public"}}]}])
def test_a_catalog_that_is_none(one, catalog):
    arguments = one.arguments()
    arguments[3] = one.path("catalog.json", catalog)
    assert_refused(run("read", *arguments), "config_error", "catalog")


@pytest.mark.parametrize("state", [{"cursor": "zzz", "streams": {}}, {"cursor": 5, "streams": {}},
                                   [{"type": "NEW"}],
                                   {"cursor": "0/1", "streams": {"public.items": {"mode": "Sideways"}}}])
def test_a_state_that_is_none(one, state):
    one.state = state
    assert_refused(one.start().finish(), "config_error", "state")


@pytest.mark.parametrize("arguments", [["reed"], ["read"], ["read", "--config"], ["read", "--konfig", "x"],
                                       ["check"], ["check", "--config", "/x", "extra"], ["--nonsense"]])
def test_a_wrong_command_line(arguments):
    process = run(*arguments)
    assert process.process.returncode > 0 and process.stderr.strip(), process.story()


def test_two_commands_are_one_too_many():
    assert_refused(run("check", "spec"), "config_error", "one command", '"spec"')


@pytest.mark.parametrize("arguments", [["--config", "-", "--catalog", "-"], ["--config=-", "--catalog", "x", "--state=-"]])
def test_standard_input_is_one_file(arguments):
    assert_refused(run("read", *arguments), "config_error", "standard input")


def test_an_invalid_stream_beside_a_valid_one(one, capture):
    assert_refused(capture(["items", "nosuch"]).start().finish(), "config_error", "nosuch")


def test_a_document_in_the_place_of_its_file_is_not_repeated():
    process = run("discover", "--config", '{"host": "localhost", "password": "hidden-here"}')
    assert process.process.returncode == 1
    assert "name of a file" in process.stderr and "hidden-here" not in process.stderr + json.dumps(process.messages)
