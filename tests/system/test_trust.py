"""What other users of the database make must not run with the rights of the capture."""

import pytest

from connector import run
from refusal import assert_refused


def check(one):
    """The message of a check, or None."""
    found = run("check", "--config", one.path("config.json", one.config)).succeed().of_type("CONNECTION_STATUS")[0]
    return found["connectionStatus"].get("message")


def remedy(message, *beginning):
    """What a message says to run."""
    for start in beginning:
        if start in message:
            return start + message.split(start, 1)[1].split(", or ")[0].split("\n")[0]
    raise AssertionError(f"none of {beginning} is in {message}")


@pytest.fixture(name="mallory")
def another_user(database):
    """Who may create in public; `database.execute` as mallory writes down as whom the planted code was run."""
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
def test_a_watermarks_table_that_runs_what_others_made_is_refused(database, capture, mallory, plant):
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


def test_a_watermarks_table_of_somebody_else_works_once_it_is_ours(database, capture, mallory):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)", f"SET ROLE {mallory}",
                     WATERMARKS.format(table=database.watermarks), f"GRANT TRIGGER ON {database.watermarks} TO PUBLIC", "RESET ROLE")
    one = capture(["t"])
    assert_refused(one.start().finish(), "config_error", f"belongs to \"{mallory}\"", "REVOKE TRIGGER", lines=2)
    database.execute(remedy(check(one), "ALTER TABLE"), remedy(check(one), "REVOKE"))
    assert check(one) is None
    one.run()
    one.assert_equal(t=["id"])
