"""Commands for people: setup-sql, status, teardown; their help, the manual page and the completions."""

import json
import os
import re
import shutil
import subprocess
from contextlib import closing

import pytest

from capture import stream
from connector import executable, run
from people import ROLE_PASSWORD, people, run_sql, statements
from server import PASSWORD, SUPERUSER, Server

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


@pytest.fixture(name="role")
def role_of_the_capture(database):
    """A name for a role that does not exist yet; it is gone afterwards."""
    name = f"Capture of {database.name}"
    yield name
    quoted = '"' + name + '"'
    database.execute(f"DROP PUBLICATION IF EXISTS {database.publication}",
                     f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN"
                     f" DROP OWNED BY {quoted}; DROP ROLE {quoted}; END IF; END $$")


def prepare(database, capture, role, tables=("items", "Odd \"name\"")):
    """Tables of another user, and a capture of them by a role without any right."""
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for table in tables:
        database.execute('CREATE TABLE "{}" (id int PRIMARY KEY)'.format(table.replace('"', '""')))
    one = capture(list(tables), user=role, password=ROLE_PASSWORD)
    return one, ["--config", one.path("config.json", one.config)]


def test_setup_sql_is_all_that_a_capture_needs(database, capture, role, tmp_path):
    one, config = prepare(database, capture, role)
    catalog = ["--catalog", one.write_catalog()]
    sql = people("setup-sql", *config, *catalog, "--admin", SUPERUSER, PGPASSWORD=PASSWORD)
    assert any(line.startswith("CREATE ROLE") for line in statements(sql)), sql
    run_sql(database, sql, tmp_path)
    database.execute(f"ALTER ROLE \"{role}\" PASSWORD '{ROLE_PASSWORD}'", "INSERT INTO items VALUES (1)")
    answer = run("check", *config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"]
    assert answer == {"status": "SUCCEEDED"}
    assert len(one.run().records) == 1
    # Now nothing is missing, for either user.
    assert statements(people("setup-sql", *config, *catalog)) == []
    assert "has all that it needs" in people("setup-sql", *config, *catalog, "--admin", SUPERUSER, PGPASSWORD=PASSWORD)


def test_setup_sql_without_catalog_is_for_all_tables(database, capture, role, tmp_path):
    _, config = prepare(database, capture, role, [f"t{n}" for n in range(30)])
    database.execute("CREATE TABLE unkeyed (n int)", "INSERT INTO unkeyed VALUES (1)")
    sql = people("setup-sql", *config, "--admin", SUPERUSER, PGPASSWORD=PASSWORD)
    assert "public.unkeyed" in sql  # in words
    run_sql(database, sql, tmp_path)
    database.execute(f"ALTER ROLE \"{role}\" PASSWORD '{ROLE_PASSWORD}'", "UPDATE unkeyed SET n = 2")
    assert run("check", *config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"] == {"status": "SUCCEEDED"}
    published = database.value("SELECT count(*) FROM pg_publication_tables WHERE pubname = %s", (database.publication,))
    assert published == 31  # the watermarks table, too
    assert statements(people("setup-sql", *config)) == []


def test_setup_sql_leaves_out_what_is_there(database, capture, role):
    one, config = prepare(database, capture, role)
    database.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{ROLE_PASSWORD}'", f'GRANT SELECT ON items TO "{role}"', database.publish_all)
    sql = people("setup-sql", *config, "--catalog", one.write_catalog())
    assert statements(sql) == [f'ALTER ROLE "{role}" REPLICATION;',
                               'CREATE TABLE "public"."watermarks_of_the_test" (slot TEXT PRIMARY KEY, watermark TEXT);',
                               f'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "public"."watermarks_of_the_test" TO "{role}";',
                               f'GRANT SELECT ON TABLE "public"."Odd ""name""" TO "{role}";']


def test_a_name_cannot_bring_a_statement_of_its_own(database, capture, role, tmp_path):
    """Users may name their tables in any way, and a superuser runs the printed SQL."""
    one, config = prepare(database, capture, role, ["a\nCREATE TABLE planted (); --", "b; CREATE TABLE planted (); --"])
    sql = people("setup-sql", *config, "--catalog", one.write_catalog(), "--admin", SUPERUSER, PGPASSWORD=PASSWORD)
    run_sql(database, sql, tmp_path)
    assert database.value("SELECT to_regclass('planted')") is None


def test_setup_sql_asks_for_a_superuser_where_the_role_is_missing(database, capture, role):
    _, config = prepare(database, capture, role)
    assert "--admin" in people("setup-sql", *config, code=1)
    assert "cloudsql" in people("setup-sql", *config, "--provider", "cloud", code=1)


@pytest.mark.parametrize("provider, role_words, logical_words", [
    ("rds", "GRANT rds_replication TO", "rds.logical_replication = 1"),
    ("cloudsql", "LOGIN REPLICATION", "cloudsql.logical_decoding = on"),
    ("alloydb", "LOGIN REPLICATION", "alloydb.logical_decoding = on"),
    ("azure", "LOGIN REPLICATION", "wal_level"), ("supabase", "LOGIN REPLICATION", "wal_level"),
    ("neon", "LOGIN REPLICATION", "project's settings"), ("postgresql", "LOGIN REPLICATION", "ALTER SYSTEM SET wal_level = logical;")])
def test_setup_sql_of_managed_services(replica_server, tmp_path, provider, role_words, logical_words):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"host": "127.0.0.1", "port": replica_server.port, "user": "flow_capture"}), encoding="utf-8")
    sql = people("setup-sql", "--config", str(config), "--admin", SUPERUSER, "--provider", provider, PGPASSWORD=PASSWORD)
    assert role_words in sql and logical_words in sql
    assert provider == "postgresql" or "ALTER SYSTEM" not in sql
    with replica_server.connect() as connection, connection.cursor() as cursor:  # recognized by the roles that exist
        names = {"rds": "rds_superuser", "cloudsql": "cloudsqlsuperuser", "alloydb": "alloydbsuperuser", "azure": "azure_pg_admin",
                 "supabase": "supabase_admin", "neon": "neon_superuser"}
        if provider in names:
            cursor.execute(f"CREATE ROLE {names[provider]}")
    assert people("setup-sql", "--config", str(config), "--admin", SUPERUSER, PGPASSWORD=PASSWORD) == sql
    with replica_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {names.get(provider, 'nobody')}")


@pytest.fixture(name="replica_server", scope="module")
def server_that_does_not_decode():
    with Server(wal_level="replica") as server:
        yield server


def status(one, *more):
    return json.loads(people("status", "--config", one.path("config.json", one.config), "--catalog", one.write_catalog(), "--json", *more))


def test_status(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 100)",
                     "CREATE TABLE empty (id int PRIMARY KEY)", "ANALYZE items")
    one = capture(["items", "empty"], tail=True)
    config = ["--config", one.path("config.json", one.config)]
    assert "is not there" in people("status", *config)
    before = status(one)
    assert before["slot"] == {"name": database.slot, "exists": False} and before["problems"] == []
    assert not before["publication"]["exists"] and not before["tables"][0]["published"]
    process = one.start().wait_for_active()
    running = status(one)
    assert running["slot"]["active_pid"] and running["slot"]["reader"] == "source-postgres replication"
    assert running["slot"]["reader_state"] == "streaming" and running["slot"]["lag_bytes"] >= 0
    assert "runs since" in people("status", *config)
    one.keep(process.stop())
    after = status(one, "--state", one.path("state.json", one.state))
    assert after["slot"]["active_pid"] is None and after["state"]["cursor"]
    assert {table["name"]: (table["mode"], table["backfilled"], table["published"]) for table in after["tables"]} == {
        "items": ("active", 100, True), "empty": ("active", 0, True)}
    shown = people("status", *config, "--catalog", one.write_catalog(), "--state", one.path("state.json", one.state))
    assert re.search(r"public\.items +active +100 rows backfilled", shown) and "does not run" in shown
    assert "problems" not in shown
    assert people("status", *config, "--all", "public.[ie]*", "--state", one.path("state.json", one.state)).count("active") == 2
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    lost = status(one, "--state", one.path("state.json", one.state))
    assert [f'replication slot "{database.slot}" is gone' in problem for problem in lost["problems"]] == [True]
    database.execute("DROP TABLE items")
    shown = people("status", *config, "--catalog", one.write_catalog())
    assert "problems     table" in shown and "public.empty\n" in shown
    assert [line for line in shown.splitlines() if line != line.rstrip()] == []


def test_status_of_a_slot_that_is_being_created(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"], tail=True)
    older = database.connect()
    older.autocommit = False
    older.cursor().execute("INSERT INTO items VALUES (1)")
    process = one.start()
    database.wait_for("SELECT count(*) > 0 FROM pg_replication_slots WHERE database = current_database()")
    assert "which is being created, and waits for" in people("status", "--config", one.path("config.json", one.config))
    assert status(one)["slot"]["lag_bytes"] is None and status(one)["slot"]["being_created"]
    older.commit()
    process.wait_for_state().stop()
    older.close()


def test_status_of_a_capture_that_waits_to_begin(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    one.run()
    one.tail = True
    assert status(one)["beginning"] is None
    with closing(database.connect()) as other:
        other.autocommit = False
        other.cursor().execute("LOCK TABLE items")
        process = one.start()
        process.wait_for(lambda run: " waits for a lock on public.items" in run.stderr)
        begins = status(one)
        assert begins["slot"]["active_pid"] is None and begins["slot"]["reader"] is None
        pid = begins["beginning"]["pid"]
        assert database.value(f"SELECT application_name FROM pg_stat_activity WHERE pid = {pid}") == begins["beginning"]["application"]
        assert f"capture      may be about to begin: process {pid} (" in people("status", "--config", one.path("config.json", one.config))
        other.rollback()
    process.wait_for_active()
    assert status(one)["beginning"] is None
    process.stop()


def test_status_does_not_take_its_own_sessions_for_a_capture(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    one.run()
    assert [status(one)["beginning"] for _ in range(10)] == [None] * 10


def test_status_of_a_slot_that_keeps_much(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, v text)")
    one = capture(["items"], advanced={"wal_warn_mb": 4})
    one.run()
    assert status(one)["problems"] == []
    database.execute("INSERT INTO items SELECT n, repeat('x', 1000) FROM generate_series(1, 8000) n")
    said, = status(one)["problems"]
    assert re.match(f'the server keeps .* of WAL for replication slot "{database.slot}": most of it is still to be captured', said), said


def test_status_where_no_table_can_be_captured(database, capture):
    """The slot is shown all the same."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    one.run()
    shown = json.loads(people("status", "--config", one.path("config.json", one.config), "--all", "none.*", "--json"))
    assert shown["slot"]["exists"] and ["--all none.*: no table" in problem for problem in shown["problems"]] == [True]


@pytest.mark.limit(60)
def test_status_under_a_lock(database, capture):
    """An incident is when it is needed."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    one.run()
    locker = database.connect()
    locker.autocommit = False
    locker.cursor().execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
    shown = people("status", "--config", one.path("config.json", one.config), "--catalog", one.write_catalog())
    assert "items" in shown and "the numbers of rows are not known: " in shown and "another session holds a lock" in shown
    locker.rollback()
    locker.close()


def test_status_for_a_role_without_pg_monitor(database, capture, role):
    """The server hides from it what it sends to its own capture."""
    one, config = prepare(database, capture, role)
    database.execute(f"CREATE ROLE \"{role}\" LOGIN REPLICATION PASSWORD '{ROLE_PASSWORD}'", f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{role}"',
                     f'GRANT USAGE ON SCHEMA public TO "{role}"', database.publish_all)
    one.config["advanced"] = {"read_only_capture": True}
    one.tail = True
    process = one.start().wait_for_active()
    assert "not streaming" not in people("status", *config) and "pg_monitor" in people("status", *config)
    database.execute(f'GRANT pg_monitor TO "{role}"')
    assert re.search(r"^ +(streaming|catchup), sent [1-9A-F]*", people("status", *config), re.M)
    process.stop()


def left(database):
    return (database.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (database.slot,)),
            database.value("SELECT count(*) FROM pg_publication WHERE pubname = %s", (database.publication,)),
            int(database.value("SELECT to_regclass('public.watermarks_of_the_test') IS NOT NULL")))


def test_status_of_full_refreshes_is_of_their_slot_and_their_state(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 100)")
    one = capture([stream("items", sync_mode="full_refresh")])
    one.run()
    said = status(one, "--state", one.path("state.json", one.state))
    assert said["slot"] == {"name": f"{database.slot}__full_refresh", "exists": False}
    assert said["tables"][0]["mode"] == "active" and said["problems"] == []
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}__full_refresh', 'pgoutput')")
    assert status(one)["slot"]["exists"]


def test_teardown_says_what_it_drops_and_drops_it_on_confirmation(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    config = ["--config", one.path("config.json", one.config)]
    assert "nothing to drop" in people("teardown", *config)
    one.run()
    said = people("teardown", *config, code=1)
    assert "--yes" in said and f"pg_drop_replication_slot('{database.slot}')" in said and "DROP TABLE" in said
    assert left(database) == (1, 1, 1)
    assert "Dropped." in people("teardown", *config, "--yes")
    assert left(database) == (0, 0, 0) and database.value("SELECT to_regclass('items')") is not None


def test_teardown_drops_what_a_full_refresh_has_left(database, capture):
    one = capture([])
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}__full_refresh', 'pgoutput')")
    assert "Dropped." in people("teardown", "--config", one.path("config.json", one.config), "--yes")
    assert not database.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")


@pytest.mark.parametrize("typed, remains", [("no\n", (1, 1, 1)), ("yes\n", (0, 0, 0))])
def test_teardown_asks_on_a_terminal(database, capture, typed, remains):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"])
    one.run()
    own, terminal = os.openpty()
    with subprocess.Popen([executable(), "teardown", "--config", one.path("config.json", one.config)], stdin=terminal,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(own, typed.encode())
        said, _ = process.communicate(timeout=30)
    os.close(own)
    os.close(terminal)
    assert b"Type yes" in said and left(database) == remains
    assert process.returncode == int(typed == "no\n")


def test_teardown_leaves_what_others_need(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    first = capture(["items"])
    first.run()
    other = capture(["items"], slot_name=f"other_{database.name}")
    other.run()
    said = people("teardown", "--config", first.path("config.json", first.config), "--yes")
    assert f"other_{database.name}" in said and left(database) == (0, 1, 1)


def test_teardown_does_not_drop_what_is_not_the_captures(database, capture, user):
    database.execute("CREATE TABLE public.watermarks_of_the_test (slot TEXT PRIMARY KEY, watermark TEXT)", database.publish_all)
    one = capture([], **user("REPLICATION", "GRANT ALL ON TABLE public.watermarks_of_the_test TO {user}"))
    said = people("teardown", "--config", one.path("config.json", one.config), "--yes")
    assert f'DROP PUBLICATION "{database.publication}"' in said and "DROP TABLE" in said and left(database) == (0, 1, 1)


def test_teardown_ends_no_capture_that_runs(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"], tail=True)
    one.start().wait_for_active()
    assert "stop that capture first" in people("teardown", "--config", one.path("config.json", one.config), "--yes", code=1)
    assert left(database) == (1, 1, 1)


# Help, manual page, completions: all agree.


def help_of(*command):
    return subprocess.run([executable(), *command, "--help"], check=True, timeout=20, capture_output=True, text=True).stdout


def options_of_commands():
    """What each command's own help names; the commands are those of the help of all."""
    commands = re.findall(r"^  source-postgres ([a-z-]+) ", help_of(), re.M)
    return {command: set(re.findall(r"--[a-z][a-z-]*", help_of(command))) | {"--help", "--log-format"} for command in commands}


def test_each_command_has_a_help_of_its_own():
    commands = options_of_commands()
    assert set(commands) == {"spec", "check", "discover", "read", "setup-sql", "status", "backfill", "teardown"}
    assert all(help_of(command).startswith(f"source-postgres {command}") for command in commands)
    assert help_of("status") != help_of() and subprocess.run(
        [executable(), "--help", "status"], check=True, timeout=20, capture_output=True, text=True).stdout == help_of("status")


def test_an_option_of_another_command_is_refused():
    assert "check has no option --yes" in people("check", "--config", "x", "--yes", code=1)
    assert "give --catalog FILE or --all PATTERN" in people("status", "--config", "x", "--catalog", "y", "--all", "z", code=1)
    assert "--state needs --catalog" in people("status", "--config", "x", "--state", "y", code=1)


def test_the_manual_page_is_whole():
    page = os.path.join(ROOT, "docs", "source-postgres.1")
    shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], check=True, capture_output=True, text=True, timeout=30,
                           env={**os.environ, "MANWIDTH": "100", "MANROFFOPT": "-c", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"})
    assert shown.stderr == ""
    for command, options in options_of_commands().items():
        assert re.search(rf"^       {command}\b", shown.stdout, re.M), command
        assert all(option in shown.stdout for option in options), command


def test_help_and_manual_page_say_what_the_exit_code_means():
    """Several problems are a line each, so that the last line alone does not say what failed."""
    with open(os.path.join(ROOT, "docs", "source-postgres.1"), encoding="utf-8") as file:
        status = " ".join(file.read().split(".SH EXIT STATUS")[1].split(".SH")[0].split())
    assert "the end of standard error says what it is" in status and "a line for each problem" in status
    shown = " ".join(help_of("read").split())
    assert "The exit code is 0 once it is done or was stopped by a signal, and 1 after an error; the end of stderr says" in shown


def bash_completes(*words):
    script = os.path.join(ROOT, "docs", "completion", "source-postgres.bash")
    line = f"""source {script}; COMP_WORDS=(source-postgres "$@"); COMP_CWORD=$#; _source_postgres; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return set(subprocess.run(["bash", "-c", line, "bash", *words], check=True, capture_output=True, text=True, timeout=20).stdout.split())


def test_bash_completes_what_the_help_names(tmp_path):
    commands = options_of_commands()
    assert bash_completes("") == set(commands) | {"--help", "--version"}
    for command, options in commands.items():
        assert bash_completes(command, "") == options, command
    assert bash_completes("setup-sql", "--provider", "a") == {"alloydb", "azure"}
    (tmp_path / "config.json").touch()
    assert bash_completes("check", "--config", f"{tmp_path}/con") == {f"{tmp_path}/config.json"}


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh_completes_what_the_help_names():
    """Its completion runs only in its line editor; here the completion's words are read."""
    script = os.path.join(ROOT, "docs", "completion", "_source-postgres")
    for command, options in options_of_commands().items():
        line = f"""_arguments() {{ print -l -- "$@" }}; _describe() {{ : }}; words=(source-postgres {command} ''); CURRENT=3; f() {{ source {script} }}; f"""
        shown = subprocess.run(["zsh", "-f", "-c", line], check=True, capture_output=True, text=True, timeout=20).stdout
        assert set(re.findall(r"^(--[a-z-]+)", shown, re.M)) == options, command
