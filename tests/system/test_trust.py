"""Code of other users of the database must not run with the rights of the capture."""

import glob
import os
import re
import time
from contextlib import closing

import psycopg2
import pytest

from connector import run
from refusal import assert_refused
from server import SUPERUSER


def check(one):
    """The message of a check, or None."""
    found = run("check", "--config", one.path("config.json", one.config)).succeed().of_type("CONNECTION_STATUS")[0]
    return found["connectionStatus"].get("message")


def remedy(message, *beginning):
    """The statements that a message says to run."""
    for start in beginning:
        if start in message:
            return start + message.split(start, 1)[1].split(", or ")[0].split("\n")[0]
    raise AssertionError(f"none of {beginning} is in {message}")


@pytest.fixture(name="mallory")
def another_user(database):
    """A user who may create objects in public; planted code records the role that it was run as."""
    name = f"mallory_of_{database.name}"
    database.execute(f"CREATE ROLE {name}", f"GRANT CREATE ON SCHEMA public TO {name}", "CREATE TABLE public.ran (who text)",
                     "GRANT ALL ON TABLE public.ran TO PUBLIC")
    yield name
    database.execute(f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


WATERMARKS = "CREATE TABLE {table} (slot TEXT PRIMARY KEY, watermark TEXT)"
LOG = ("CREATE FUNCTION public.log() RETURNS trigger LANGUAGE plpgsql AS"
       " 'BEGIN INSERT INTO public.ran VALUES (current_user); RETURN NEW; END'")
CODE = "CREATE FUNCTION public.code(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'"
PLANTS = {
    "trigger": (LOG, "CREATE TRIGGER x BEFORE INSERT ON {table} FOR EACH ROW EXECUTE PROCEDURE public.log()"),
    "rule": ("CREATE RULE x AS ON UPDATE TO {table} DO ALSO INSERT INTO public.ran VALUES (current_user)",),
    "default": (CODE, "ALTER TABLE {table} ADD y text DEFAULT public.code('a')"),
    "generated": (CODE, "ALTER TABLE {table} ADD y text GENERATED ALWAYS AS (public.code('a')) STORED"),
    "domain": (CODE, "CREATE DOMAIN public.d AS text CHECK (public.code('a') IS NOT NULL)", "ALTER TABLE {table} ADD y public.d"),
    "constraint": (CODE, "ALTER TABLE {table} ADD CHECK (public.code(watermark) IS NOT NULL)"),
    "index": (CODE, "CREATE INDEX ON {table} (public.code(watermark))"),
    "row level security": ("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",),
}


@pytest.mark.since(12)
@pytest.mark.parametrize("plant", list(PLANTS))
def test_a_watermarks_table_that_runs_code_of_others_is_refused(database, capture, mallory, plant):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)", f"SET ROLE {mallory}",
                     *[statement.format(table=database.watermarks) for statement in (WATERMARKS, *PLANTS[plant])], "RESET ROLE")
    one = capture(["t"])
    process = one.start().finish()
    assert process.errors and plant in process.stderr and mallory in process.errors[0]["message"], process.story()
    assert database.query("SELECT * FROM public.ran") == []
    message = check(one)
    database.execute(remedy(message, "ALTER TABLE"))
    message = check(one)
    assert mallory not in message and plant in message


def test_a_watermarks_table_of_another_user_works_once_it_is_ours(database, capture, mallory):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)", f"SET ROLE {mallory}",
                     WATERMARKS.format(table=database.watermarks), f"GRANT TRIGGER ON {database.watermarks} TO PUBLIC", "RESET ROLE")
    one = capture(["t"])
    assert_refused(one.start().finish(), "config_error", f"belongs to \"{mallory}\"", "REVOKE TRIGGER", lines=2)
    database.execute(remedy(check(one), "ALTER TABLE"), remedy(check(one), "REVOKE"))
    assert check(one) is None
    one.run()
    one.assert_equal(t=["id"])


def test_a_watermarks_table_of_who_can_become_the_user_anyway(database, capture, mallory, user):
    """Such a role has no right to gain. Before version 16 that is who has CREATEROLE, from then on who administers the user."""
    old = database.connection.server_version < 160000
    config = user("REPLICATION")
    name = config["user"]
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", f"SET ROLE {mallory}", WATERMARKS.format(table=database.watermarks),
                     f"GRANT ALL ON {database.watermarks} TO {name}", "RESET ROLE", f"GRANT SELECT ON t TO {name}", database.publish_all)
    one = capture(["t"], **config)
    assert f'belongs to "{mallory}"' in check(one)
    database.execute(f"ALTER ROLE {mallory} CREATEROLE")
    assert (check(one) is None) == old
    if not old:
        database.execute(f"GRANT {name} TO {mallory} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    assert check(one) is None
    one.run()
    database.execute(f"SET SESSION AUTHORIZATION {mallory}", f"GRANT {name} TO {mallory}", f"SET ROLE {name}", "RESET SESSION AUTHORIZATION")
    of_superuser = capture(["t"])
    assert f'belongs to "{mallory}"' in check(of_superuser) and "GRANT" not in check(of_superuser)
    if not old:
        database.execute(f"GRANT {SUPERUSER} TO {mallory} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        assert f'belongs to "{mallory}"' in check(of_superuser)
        database.execute(f"REVOKE {SUPERUSER} FROM {mallory}")


def test_the_owner_of_the_watermarks_table_may_be_trusted_by_a_grant(database, capture, mallory, user):
    config = user("REPLICATION")
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", f"SET ROLE {mallory}", WATERMARKS.format(table=database.watermarks),
                     f"GRANT ALL ON {database.watermarks} TO {config['user']}", "RESET ROLE", database.publish_all,
                     f"GRANT SELECT ON t TO {config['user']}")
    one = capture(["t"], **config)
    database.execute(remedy(check(one), "GRANT").split(", which")[0])
    assert check(one) is None


# Of the filters that the server allows, none calls a user's function.
CALLS = ("public.code(v) = 'a'", "v OPERATOR(public.~~~) 'a'", "v::public.loud = 'a'", 'v COLLATE public.mine > \'a\'', "m = 'sad'", "random() > 0.5")


@pytest.mark.since(15)
def test_row_filters_of_others_call_nothing_of_theirs_and_are_said(database, capture, mallory):
    database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {mallory}", f"SET ROLE {mallory}", CODE,
                     "CREATE FUNCTION public.likes(text, text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true'",
                     "CREATE OPERATOR public.~~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.likes)",
                     "CREATE DOMAIN public.loud AS text CHECK (public.code(value) IS NOT NULL)",
                     "CREATE COLLATION public.mine (locale = 'C')", "CREATE TYPE public.mood AS ENUM ('sad')",
                     "CREATE TABLE t (id int PRIMARY KEY, v text, m public.mood)", "INSERT INTO t SELECT n, 'v' FROM generate_series(1, 9) n",
                     "CREATE TABLE u (id int PRIMARY KEY)")
    for filter_ in CALLS:
        with pytest.raises(psycopg2.Error, match="invalid publication WHERE expression"):
            database.execute(f"CREATE PUBLICATION {database.publication} FOR TABLE t WHERE ({filter_})")
    database.execute(f"CREATE PUBLICATION {database.publication} FOR TABLE t WHERE (abs(id) < 5), u"
                     " WITH (publish_via_partition_root = true)", "RESET ROLE")
    one = capture(["t", "u"])
    said = f"the publication {database.publication}, which is of user {mallory}, leaves out rows of table public.t: only those are" \
        " captured for which (abs(id) < 5)"
    database.execute(WATERMARKS.format(table=database.watermarks), f"ALTER PUBLICATION {database.publication} ADD TABLE {database.watermarks}")
    assert check(one) == said
    process = one.run()
    assert process.stderr.count(said) == 1 and len(process.records_of("t")) == 4, process.story()


# Expressions that the server evaluates while it plans to read a table. Statistics have expressions from version 14 on.
EXPRESSIONS = {"index": "CREATE INDEX ON public.t ((id + public.f(1)))", "predicate": "CREATE INDEX ON public.t (v) WHERE id > public.f(1)",
               "operator": "CREATE INDEX ON public.t ((id + (1 OPERATOR(public.###) 1)))",
               "statistics": "CREATE STATISTICS public.s ON (id + public.f(1)), v FROM public.t",
               "check of a partition": "ALTER TABLE public.p1 ADD CHECK (id >= public.f(1))"}


def test_functions_of_others_that_come_while_the_capture_runs_are_said(database, capture, mallory):
    """Once, though it is looked at again and again."""
    database.execute(f"SET ROLE {mallory}", CODE, "CREATE TABLE public.t (id int PRIMARY KEY, v text)", "RESET ROLE")
    one = capture(["t"], tail=True, advanced={"check_interval": "1s"})
    process = one.start().wait_for_active()
    assert "code" not in process.stderr
    database.execute("CREATE INDEX ON public.t (public.code(v))")
    process.wait_for(lambda run: "public.code(text)" in run.stderr)
    time.sleep(6)
    assert process.stop().stderr.count("WARN: function public.code(text)") == 1, process.story()


@pytest.mark.since(14)
@pytest.mark.parametrize("place", list(EXPRESSIONS))
def test_functions_of_others_that_run_when_a_table_is_read_are_said(server, database, capture, mallory, place):
    body = "LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE LOG ''code ran as %'', current_user; RETURN 1; END'"
    database.execute(f"SET ROLE {mallory}", f"CREATE FUNCTION public.f(int) RETURNS int {body}",
                     f"CREATE FUNCTION public.f(int, int) RETURNS int {body}",
                     "CREATE OPERATOR public.### (LEFTARG = int, RIGHTARG = int, FUNCTION = public.f)",
                     "CREATE TABLE public.t (id int PRIMARY KEY, v text)", "INSERT INTO public.t SELECT n, 'v' FROM generate_series(1, 9) n",
                     "CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                     "CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (9)", "INSERT INTO public.p VALUES (1), (2), (3)",
                     EXPRESSIONS[place], "RESET ROLE")
    begun = os.path.getsize(server.log)
    one = capture(["t", "p"], advanced={"backfill_chunk_size": 1})
    process = one.run()
    assert "code ran as postgres" in written(server, begun)
    said = check(one)
    table = "public.p" if "partition" in place else "public.t"
    assert said.startswith("function public.f(") and f"of user {mallory}" in said and f"({table})" in said and len(said.splitlines()) == 1, said
    assert process.stderr.count(said) == 1, process.story()
    database.execute(remedy(said, "ALTER FUNCTION"))
    assert check(one) is None


def test_a_function_that_writes_when_a_table_is_read_ends_the_capture(database, capture, mallory):
    """It gets the error of a read-only transaction, as from a standby, which would be transient."""
    database.execute(f"SET ROLE {mallory}", "CREATE FUNCTION public.g() RETURNS void LANGUAGE sql AS"
                     " 'INSERT INTO public.ran VALUES (current_user)'",
                     "CREATE FUNCTION public.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.g(); RETURN 1; END'",
                     "CREATE TABLE public.t (id int PRIMARY KEY)", "INSERT INTO public.t VALUES (1)",
                     "CREATE INDEX i ON public.t ((id + public.f(1)))", "RESET ROLE", "TRUNCATE public.ran")
    one = capture(["t"])
    process = one.start().finish()
    assert_refused(process, "config_error", "read-only transaction", "public.t", "drop what calls it")
    assert "public.f(integer)" in process.errors[0]["internal_message"]
    assert database.query("SELECT * FROM public.ran") == []
    database.execute("DROP INDEX public.i")
    one.run()


# Everything that our queries may use: each operator for each pair of these types, and each built-in function that the
# sources call, with its own arguments.
OPERATORS = ("=", "<>", "<", "<=", ">", ">=", "||", "~", "!~", "+", "-", "*", "/", "~~", "!~~", "<@")
TYPES = ("oid", "regclass", "name", "text", '"char"', "int2", "int4", "int8", "bool", "pg_lsn", "xid", "float8", "regtype", "numeric",
         "text[]", "oid[]", "timestamptz", "interval", "anyelement", "anyarray")
BODY = "LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''planted code ran as %'', current_user; END'"


def called_functions():
    sources = os.path.join(os.path.dirname(__file__), "..", "..", "src")
    names = set()
    for directory in ("pg", "backfill", "engine"):
        for path in glob.glob(os.path.join(sources, directory, "*.c")):
            with open(path, encoding="utf-8") as file:
                for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', file.read()):
                    names.update(re.findall(r"\b([a-z][a-z0-9_]+)\(", text))
    return sorted(names)


def plant(database, owner, schema, types, functions=()):
    """As `owner`, create everything that could be taken for an object in our queries."""
    database.execute(f"GRANT CREATE, USAGE ON SCHEMA {schema} TO {owner}", f"SET ROLE {owner}", "SET check_function_bodies = off")
    for type_name in types:
        for other in types:
            result = "text" if "any" in type_name + other else "bool"
            database.execute(f"CREATE FUNCTION {schema}.op({type_name}, {other}) RETURNS {result} {BODY}")
            database.execute(*[f"CREATE OPERATOR {schema}.{name} (LEFTARG = {type_name}, RIGHTARG = {other},"
                               f" PROCEDURE = {schema}.op)" for name in OPERATORS])
    for name, arguments in functions:
        database.execute(f'CREATE OR REPLACE FUNCTION {schema}."{name}"({arguments}) RETURNS text {BODY}')
    database.execute("RESET ROLE", "RESET check_function_bodies")


def written(server, begun):
    """The server's log from there on."""
    with open(server.log, errors="replace", encoding="utf-8") as log:
        log.seek(begun)
        return log.read()


def server_functions(database):
    """The built-in functions with a name that the sources call, except those with arguments that a user's function
    cannot have."""
    return database.query(
        "SELECT proname, oidvectortypes(proargtypes) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND proname = ANY (%s) AND prokind IN ('f', 'a') AND provariadic = 0"
        " AND NOT EXISTS (SELECT FROM unnest(proargtypes) a(oid) JOIN pg_type t USING (oid) WHERE t.typname IN"
        " ('internal', 'any', 'cstring', 'anycompatible', 'anycompatiblearray', 'trigger'))", (called_functions(),))


@pytest.mark.since(11)
@pytest.mark.limit(300)
def test_no_name_that_a_query_says_means_what_others_made(server, database, capture, mallory):
    """Even in a database whose search_path has other schemas first."""
    functions = server_functions(database)
    assert {"unnest", "pg_get_expr", "current_setting", "format"} <= {name for name, _ in functions}
    plant(database, mallory, "public", TYPES, functions)
    database.execute("CREATE TABLE public.t (id text COLLATE \"C\" PRIMARY KEY, n int4)",
                     "INSERT INTO public.t SELECT i::pg_catalog.text, i FROM pg_catalog.generate_series(1, 500) i",
                     "CREATE TABLE public.u (n numeric PRIMARY KEY)",
                     "INSERT INTO public.u SELECT i FROM pg_catalog.generate_series(1, 500) i",
                     f"ALTER DATABASE {database.name} SET search_path = public, pg_catalog")
    begun = os.path.getsize(server.log)
    one = capture(["t", "u"], tail=True, advanced={"backfill_chunk_size": 20, "backfill_workers": 2})
    assert check(one) is None
    assert run("discover", "--config", one.path("config.json", one.config)).succeed().of_type("CATALOG")
    process = one.start().wait_for_records(100)
    database.execute("UPDATE public.t SET n = 0", "UPDATE public.u SET n = n OPERATOR(pg_catalog.-) 1000::pg_catalog.numeric")
    one.keep(process.wait_for_active().wait_for_state(after=1000).stop())
    assert "planted code ran" not in written(server, begun)
    database.execute(f"ALTER DATABASE {database.name} RESET search_path", f"DROP OWNED BY {mallory} CASCADE")
    database.reconnect()
    one.assert_equal(t=["id"], u=["n"])


def test_a_schema_of_a_keys_type_that_may_not_be_used(database, capture, user):
    database.execute("CREATE SCHEMA ext", "CREATE EXTENSION citext SCHEMA ext", "CREATE TABLE t (id ext.citext PRIMARY KEY, n int)",
                     "INSERT INTO t SELECT (CASE WHEN n % 2 = 0 THEN 'a' ELSE 'B' END || n)::ext.citext, n"
                     " FROM generate_series(1, 2000) n",
                     f"CREATE PUBLICATION {database.publication} FOR ALL TABLES", WATERMARKS.format(table=database.watermarks))
    who = user("REPLICATION", "GRANT SELECT ON t TO {user}", f"GRANT ALL ON {database.watermarks} TO {{user}}")
    one = capture(["t"], advanced={"backfill_chunk_size": 100}, **who)
    process = one.start().finish()
    assert_refused(process, "config_error", "key column \"id\"", "GRANT USAGE ON SCHEMA ext")
    database.execute(remedy(process.errors[0]["message"], "GRANT USAGE"))
    one.run()
    one.assert_equal(t=["id"])


def test_operators_of_a_keys_type_in_a_schema_of_others(server, database, capture, mallory):
    database.execute(f"SET ROLE {mallory}", "CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy')",
                     f"CREATE FUNCTION public.to_mood(text) RETURNS public.mood {BODY}",
                     "CREATE CAST (text AS public.mood) WITH FUNCTION public.to_mood(text) AS IMPLICIT", "RESET ROLE")
    plant(database, mallory, "public", ("public.mood", "anyenum", "anyelement"))
    database.execute("CREATE TABLE t (m public.mood PRIMARY KEY)", "INSERT INTO t VALUES ('sad'), ('ok'), ('happy')")
    begun = os.path.getsize(server.log)
    one = capture(["t"], advanced={"backfill_chunk_size": 1})
    one.run()
    assert [record["data"]["m"] for record in one.records] == ["sad", "ok", "happy"]
    assert "planted code ran" not in written(server, begun)


@pytest.mark.parametrize("tail", [True, False])
def test_a_watermarks_table_that_leaves_the_publication_for_a_moment(database, capture, tail):
    """Between two looks: the watermarks that were not sent are written again."""
    rows = 20000
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", f"INSERT INTO t SELECT n, 'v' FROM generate_series(1, {rows}) n")
    one = capture(["t"], tail=tail, advanced={"backfill_chunk_size": 20, "check_interval": "2s"})
    process = one.start().wait_for(lambda run: run.records_of("t"))
    database.execute(f"ALTER PUBLICATION {database.publication} DROP TABLE {database.watermarks}")
    time.sleep(0.5)
    database.execute(f"ALTER PUBLICATION {database.publication} ADD TABLE {database.watermarks}")
    assert len(process.records_of("t")) < rows, "the backfill was over: this test tests nothing"
    one.keep(process.wait_for_active().stop() if tail else process.succeed())
    assert "has not arrived: it is written again" in process.stderr, process.story()
    one.assert_equal(t=["id"])


def test_a_watermarks_table_that_leaves_the_publication_before_the_end(database, capture):
    """Else the final watermark, with which a read ends, would be written again and again."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    one = capture(["t"], advanced={"check_interval": "1s"})
    one.run()
    database.execute("INSERT INTO t VALUES (1)")
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; UPDATE {database.watermarks} SET watermark = 'locked'")
        process = one.start().wait_for(lambda run: run.records_of("t"))
        database.execute(f"ALTER PUBLICATION {database.publication} DROP TABLE {database.watermarks}")
        cursor.execute("COMMIT")
    process.finish()
    message = process.errors[0]["message"]
    assert "watermarks do not arrive" in message, process.story()
    database.execute(remedy(message, "ALTER PUBLICATION"))
    one.keep(process)
    one.run()
    one.assert_equal(t=["id"])


UNFIT = {"is gone": "ALTER TABLE {table} RENAME TO aside", "has a trigger or a rule": "CREATE RULE x AS ON INSERT TO {table} DO INSTEAD NOTHING",
         "is not in the publication": "ALTER PUBLICATION {publication} DROP TABLE {table}",
         "without some of its rows": "ALTER PUBLICATION {publication} SET TABLE {table} WHERE (slot = 'x'), t",
         "without some of its rows or columns": "ALTER PUBLICATION {publication} SET TABLE {table} (slot), t"}


@pytest.mark.since(15)
@pytest.mark.parametrize("words", list(UNFIT))
def test_a_watermarks_table_that_becomes_unfit_during_the_backfill(database, capture, words):
    """No watermark comes, and the backfill would never end."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)",
                     "INSERT INTO t SELECT n, repeat('v', 1000) FROM generate_series(1, 3000) n")
    one = capture(["t"], tail=True, advanced={"backfill_chunk_size": 100, "check_interval": "1s"})
    process = one.start(pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.execute(UNFIT[words].format(table=database.watermarks, publication=database.publication))
    process.go_on().finish()
    message = process.errors[0]["message"]
    assert words in message or "does not exist" in message, process.story()
    one.keep(process)
    if "without" in words:  # also before it begins
        assert check(one) == message
    for statement in message.split(": run ")[1].split("; ") if ": run " in message else []:
        database.execute(statement)
    database.execute(f"DROP RULE IF EXISTS x ON {database.watermarks}" if "rule" in words else "DROP TABLE IF EXISTS public.aside")
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])
