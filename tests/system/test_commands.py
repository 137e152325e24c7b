"""spec, check, discover, --help and --version."""

import os
import re
import subprocess
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extras import LogicalReplicationConnection

from connector import executable, run
from server import PASSWORD, SUPERUSER


def test_spec():
    process = run("spec").succeed()
    assert len(process.messages) == 1
    spec = process.messages[0]["spec"]
    schema = spec["connectionSpecification"]
    assert schema["type"] == "object" and "user" in schema["required"]
    assert schema["properties"]["password"]["airbyte_secret"] is True
    assert {"host", "port", "user", "password", "database", "publication_name", "slot_name", "watermarks_table",
            "advanced"} <= set(schema["properties"])
    assert spec["protocol_version"] == "0.2.0" and re.match(r"(file|https):///?\w", spec["documentationUrl"])
    defaults = {name: one.get("default") for name, one in schema["properties"].items()}
    assert (defaults["port"], defaults["database"], defaults["publication_name"], defaults["slot_name"],
            defaults["watermarks_table"]) == (5432, "postgres", "flow_publication", "flow_slot", "public.flow_watermarks")


def test_the_spec_makes_a_form_that_is_pleasant_to_fill_in():
    schema = run("spec").succeed().messages[0]["spec"]["connectionSpecification"]
    shown = {name: one for name, one in schema["properties"].items() if not one.get("airbyte_hidden")}
    assert sorted(shown, key=lambda name: shown[name]["order"]) == [
        "host", "port", "user", "password", "database", "publication_name", "slot_name", "watermarks_table", "tunnel_method", "advanced"]
    advanced = {name: one for name, one in shown["advanced"]["properties"].items() if not one.get("airbyte_hidden")}
    for name, one in {**shown, **advanced}.items():
        assert one["title"] and one["description"].endswith("."), name
        assert name == one["title"] or one["title"][0].isupper(), name
        text = one["type"] == "string" and "enum" not in one
        assert not text or one.keys() & {"default", "examples", "airbyte_secret"}, name
    assert all(advanced[name]["multiline"] for name in ("sslrootcert", "sslcert", "sslkey"))
    assert advanced["sslkey"]["airbyte_secret"] and shown["password"]["airbyte_secret"]


def test_help_and_version():
    shown = run_plain("--help")
    for word in ("spec", "check", "discover", "read", "--config", "--catalog", "--state"):
        assert word in shown
    assert re.search(r"\d+\.\d+\.\d+", run_plain("--version"))


def test_help_wins_over_a_command():
    assert run_plain("--help", "check") == run_plain("check", "--help") == run_plain("check", "-h")


@pytest.mark.parametrize("arguments, said", [
    (["read", "--ouput", "x"], "there is no option --ouput: did you mean --output?"),
    (["read", "--stat=x"], "there is no option --stat: did you mean --state?"),
    (["read", "-config", "x"], "there is no option -config: did you mean --config?"),
    (["teardown", "--state-file"], "there is no option --state-file; see --help"),
    (["--hlep"], "there is no option --hlep: did you mean --help?"),
    (["status", "--json=yes"], "--json takes no value"),
    (["chekc"], 'there is no command "chekc" (did you mean check?): the commands are spec, check,'),
    (["orders"], 'there is no command "orders": the commands are'),
    (["status", "public.orders"], '"public.orders" is one word too many'),
])
def test_what_the_command_line_does_not_know_names_the_nearest(arguments, said):
    process = subprocess.run([executable(), *arguments], check=False, timeout=20, capture_output=True, text=True)
    assert process.returncode == 1 and f"source-postgres: {said}" in process.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("argument", ["--help", "--version", "spec"])
def test_a_full_disk_is_an_error_of_every_command(argument):
    with open("/dev/full", "wb") as full:
        process = run(argument, stdout=full)
    assert process.process.returncode > 0
    assert os.strerror(28).lower() in process.stderr.lower()


@pytest.mark.parametrize("closed", [">&-", ">&- <&-", ">&- 2>&-"])
def test_a_closed_stdout_is_an_error_of_every_command(closed):
    process = subprocess.run(["sh", "-c", f'exec "$0" spec {closed}', executable()], check=False, timeout=20,
                             stderr=subprocess.PIPE, text=True)
    assert process.returncode == 1
    assert "2>&-" in closed or "standard output is closed" in process.stderr


def test_a_closed_stdin_is_an_error_of_flow():
    process = subprocess.run(["sh", "-c", 'exec "$0" <&-', executable()], check=False, timeout=20, capture_output=True,
                             text=True)
    assert process.returncode == 1 and "cannot read standard input" in process.stderr


def run_plain(*arguments):
    return subprocess.run([executable(), *arguments], check=True, timeout=20, capture_output=True, text=True).stdout


def check(capture, **changes):
    one = capture([], **changes)
    process = run("check", "--config", one.path("config.json", one.config)).succeed()
    return process.of_type("CONNECTION_STATUS")[0]["connectionStatus"]


def test_check_succeeds_and_leaves_no_slot(database, capture):
    assert check(capture) == {"status": "SUCCEEDED"}


def test_check_succeeds_beside_a_capture_and_fails_beside_another_reader(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    one = capture(["t"], tail=True)
    process = one.start().wait_for_state()
    assert check(capture) == {"status": "SUCCEEDED"}
    process.stop()
    with closing(psycopg2.connect(host="127.0.0.1", port=database.server.port, user=SUPERUSER, password=PASSWORD, dbname=database.name,
                                  connection_factory=LogicalReplicationConnection)) as other:
        other.cursor().start_replication(database.slot, options={"proto_version": "1", "publication_names": database.publication})
        status = check(capture)
    assert status["status"] == "FAILED" and "is in use by process" in status["message"]


@pytest.mark.parametrize("changes, word", [({"password": "wr0ng-pass"}, "password"), ({"database": "nowhere"}, "nowhere"),
                                           ({"user": "stranger", "password": "x"}, "stranger")])
def test_check_fails_with_a_message_and_exit_0(database, capture, changes, word):
    status = check(capture, **changes)
    assert status["status"] == "FAILED" and word in status["message"]
    assert "wr0ng-pass" not in status["message"]


@pytest.fixture(name="bystander")
def one_who_may_only_replicate(database, user):
    """Beside a watermarks table that is ready."""
    return user("REPLICATION", "CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.watermarks_of_the_test TO {user}")


def advice(status, word):
    """The statement of the one line that holds the word."""
    (line,) = [line for line in status["message"].splitlines() if word in line]
    return line[line.index(word):]


def test_check_advises_a_publication_that_breaks_no_update(database, capture, bystander):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE unkeyed (n int)", "INSERT INTO unkeyed VALUES (1)",
                     f"GRANT SELECT ON items, unkeyed TO {bystander['user']}")
    status = check(capture, **bystander)
    assert "refuse UPDATE and DELETE on public.unkeyed" in status["message"]
    database.execute(advice(status, "CREATE PUBLICATION"), "UPDATE unkeyed SET n = 2")
    assert database.query("SELECT tablename FROM pg_publication_tables ORDER BY 1") == [
        ("items",), ("watermarks_of_the_test",)]
    assert check(capture, **bystander) == {"status": "SUCCEEDED"}


def test_check_advises_a_publication_for_all_tables_where_that_is_asked_for(database, capture, bystander):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", f"GRANT SELECT ON items TO {bystander['user']}")
    assert advice(check(capture, **bystander), "CREATE PUBLICATION").startswith(
        f'CREATE PUBLICATION "{database.publication}" FOR TABLE ONLY')
    assert advice(check(capture, advanced={"publish_all_tables": True}, **bystander), "CREATE PUBLICATION").startswith(
        f'CREATE PUBLICATION "{database.publication}" FOR ALL TABLES')


def test_check_advises_how_to_publish_many_tables(database, capture, bystander):
    database.execute("DO $$ BEGIN FOR n IN 1..30 LOOP EXECUTE 'CREATE TABLE many_' || n || ' (id int PRIMARY KEY)';"
                     " EXECUTE 'CREATE TABLE unkeyed_' || n || ' (id int)'; END LOOP; END $$",
                     f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {bystander['user']}")
    status = check(capture, **bystander)
    create, add = advice(status, "CREATE PUBLICATION").split("; ")
    database.execute(create)
    assert add == f'for each captured table ALTER PUBLICATION "{database.publication}" ADD TABLE ONLY schema.table'
    assert "public.unkeyed_1, " in status["message"] and " and 10 more" in status["message"]


def test_check_wants_a_watermarks_table_that_the_publication_can_name(database, capture, user):
    """The user could create it, but not publish it."""
    database.execute("CREATE TABLE unkeyed (n int)")
    status = check(capture, **user("REPLICATION", "GRANT SELECT ON unkeyed TO {user}",
                                   "GRANT CREATE ON SCHEMA public TO {user}"))
    database.execute(advice(status, "CREATE TABLE"), advice(status, "CREATE PUBLICATION"))


def test_check_wants_a_watermarks_table_whose_updates_are_not_refused(database, capture):
    database.execute("CREATE TABLE public.watermarks_of_the_test (slot TEXT UNIQUE, watermark TEXT)")
    status = check(capture)
    database.execute(advice(status, "ALTER TABLE"))
    assert check(capture) == {"status": "SUCCEEDED"}


def test_check_fails_for_a_user_who_may_read_no_table(database, capture, bystander):
    database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    assert check(capture, **bystander) == {"status": "SUCCEEDED"}  # there is none yet
    database.execute('CREATE SCHEMA "Own"', 'CREATE TABLE "Own".items (id int PRIMARY KEY)', "CREATE SCHEMA empty",
                     "CREATE TABLE items (id int PRIMARY KEY)", "CREATE SCHEMA other")
    status = check(capture, **bystander)
    assert status["status"] == "FAILED" and "may read no table" in status["message"]
    database.execute(f"GRANT SELECT ON items TO {bystander['user']}")
    assert check(capture, **bystander) == {"status": "SUCCEEDED"}
    chosen = {"discover_schemas": ["Own", "empty"]}
    database.execute(advice(check(capture, advanced=chosen, **bystander), "GRANT"))
    assert check(capture, advanced=chosen, **bystander) == {"status": "SUCCEEDED"}


def test_check_names_schemas_that_do_not_exist(database, capture):
    status = check(capture, advanced={"discover_schemas": ["public", "pubic"]})
    assert status["status"] == "FAILED" and "pubic" in status["message"] and "public," not in status["message"]


def discover(capture, **changes):
    one = capture([], **changes)
    process = run("discover", "--config", one.path("config.json", one.config)).succeed()
    return {(stream["namespace"], stream["name"]): stream
            for stream in process.of_type("CATALOG")[0]["catalog"]["streams"]}


def test_discover_describes_tables(database, capture):
    database.execute("CREATE TABLE items (a int, b text NOT NULL, c numeric(10,2), d timestamptz, e jsonb, f varchar(7),"
                     " g bytea, h float8, i bool, j uuid, k int[], l int[][], PRIMARY KEY (b, a))", "CREATE VIEW seen AS SELECT * FROM items")
    found = discover(capture)
    assert ("public", "seen") not in found
    stream = found["public", "items"]
    assert stream["source_defined_primary_key"] == [["b"], ["a"]]
    assert stream["source_defined_cursor"] is True and stream["default_cursor_field"] == ["_ab_cdc_lsn"]
    assert stream["supported_sync_modes"] == ["full_refresh", "incremental"] and stream["is_resumable"] is True
    schema = stream["json_schema"]
    assert "draft-07" in schema["$schema"] and schema["type"] == "object"
    assert set(schema["required"]) == {"a", "b"}
    integer = {"type": "number", "airbyte_type": "integer"}
    timestamp = {"format": "date-time", "airbyte_type": "timestamp_with_timezone"}
    properties = schema["properties"]
    assert properties.pop("_meta")["type"] == "object"
    assert properties == {
        "a": integer, "b": {"type": "string"}, "c": {"type": ["number", "null"]},
        "d": {"type": ["string", "null"], **timestamp}, "e": {"type": ["string", "null"]},
        "f": {"type": ["string", "null"]}, "g": {"type": ["string", "null"], "contentEncoding": "base64"},
        "h": {"type": ["number", "null"]}, "i": {"type": ["boolean", "null"]}, "j": {"type": ["string", "null"]},
        "k": {"type": ["array", "null"], "items": {"type": ["number", "null"], "airbyte_type": "integer"}},
        "l": {"type": ["array", "null"]}, "_ab_cdc_lsn": integer, "_ab_cdc_updated_at": {"type": "string", **timestamp},
        "_ab_cdc_deleted_at": {"type": ["string", "null"], **timestamp}}


def test_discover_leaves_out_system_tables_and_our_own(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TEMPORARY TABLE gone (id int)")
    capture(["items"]).run()
    assert set(discover(capture)) == {("public", "items")}


def test_discover_can_be_limited_to_schemas(database, capture):
    database.execute("CREATE SCHEMA a", "CREATE SCHEMA b", "CREATE TABLE a.t (id int PRIMARY KEY)",
                     "CREATE TABLE b.t (id int PRIMARY KEY)")
    assert set(discover(capture, advanced={"discover_schemas": ["b"]})) == {("b", "t")}


def test_discover_of_many_tables_asks_in_bulk(database, capture):
    database.execute("DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE 'CREATE TABLE many_' || n || ' (id int PRIMARY KEY, a text)'; END LOOP; END $$")
    assert len(discover(capture)) == 2000


def test_flow_style_configuration_is_the_same(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    one = capture(["items"])
    flat = one.config
    one.config = {"address": f"{flat['host']}:{flat['port']}", "user": flat["user"], "database": flat["database"],
                  "credentials": {"auth_type": "UserPassword", "password": flat["password"]}, "historyMode": False,
                  "advanced": {"publicationName": flat["publication_name"], "slotName": flat["slot_name"],
                               "watermarksTable": flat["watermarks_table"]}}
    assert len(one.run().records) == 1
    assert database.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (database.slot,)) == 1


def test_a_skipped_backfill_captures_changes_alone(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    one = capture(["items"], advanced={"skip_backfills": "public.items"})
    one.run()
    database.execute("INSERT INTO items VALUES (2)")
    one.run()
    assert [record["data"]["id"] for record in one.records] == [2]
