"""setup-sql: one run of what it prints is enough, blocks no application, and gives each statement to who may run it."""

import re

import pytest

from connector import run
from people import ROLE_PASSWORD, people, run_sql, statements
from server import PASSWORD, SUPERUSER
from test_setup_managed import left_to_others, stream_of

PARTS = ("CREATE TABLE parts (n int) PARTITION BY LIST (n)", "CREATE TABLE part PARTITION OF parts DEFAULT", "INSERT INTO parts VALUES (1)")


class Prepared:
    """A database, a role that captures from it, and who administers it."""

    def __init__(self, database, capture, tmp_path, streams, **options):
        self.database, self.tmp_path = database, tmp_path
        self.role, self.admin = f"capture of {database.name}", f"admin of {database.name}"
        self.streams = streams
        self.one = capture(streams or ["none"], user=self.role, password=ROLE_PASSWORD, **options)
        self.config = ["--config", self.one.path("config.json", self.one.config)]

    def catalog(self):
        return ["--catalog", self.one.write_catalog()] if self.streams else []

    def setup(self, admin=SUPERUSER):
        return people("setup-sql", *self.config, *self.catalog(), "--admin", admin, PGPASSWORD=PASSWORD if admin == SUPERUSER else "a")

    def make_role(self, attributes="REPLICATION", *statements_of_it):
        self.database.execute(f"CREATE ROLE \"{self.role}\" LOGIN {attributes} PASSWORD '{ROLE_PASSWORD}'",
                              *[each.format(role=f'"{self.role}"') for each in statements_of_it])

    def run(self, sql, user=SUPERUSER):
        run_sql(self.database, sql, self.tmp_path, user)

    def assert_one_run_is_enough(self):
        sql = self.setup()
        self.run(sql)
        self.database.execute(f"ALTER ROLE \"{self.role}\" PASSWORD '{ROLE_PASSWORD}'")
        assert "has all that it needs" in self.setup() and statements(self.setup()) == []
        assert run("check", *self.config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"] == {
            "status": "SUCCEEDED"}
        return sql

    def drop(self):
        for role in (self.role, self.admin):
            self.database.execute(f"ALTER DATABASE {self.database.name} OWNER TO {SUPERUSER}",
                                  f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
                                  f' DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"; END IF; END $$')


@pytest.fixture(name="prepared")
def prepared_database(database, capture, tmp_path):
    made = []

    def make(*streams, **options):
        made.append(Prepared(database, capture, tmp_path, list(streams), **options))
        return made[-1]

    yield make
    for one in made:
        one.one.kill_all()
        one.drop()


@pytest.mark.since(13)
def test_partitions_get_their_identity_before_the_root_is_published(database, prepared):
    database.execute(*PARTS)
    one = prepared("parts")
    sql = one.assert_one_run_is_enough()
    assert sql.index("ALTER TABLE public.part REPLICA IDENTITY FULL") < sql.index("CREATE PUBLICATION")
    database.execute("UPDATE parts SET n = 2")
    one.one.run()
    assert [record["data"]["n"] for record in one.one.records] == [2]


@pytest.mark.since(13)
@pytest.mark.parametrize("keyed", [True, False])
def test_a_root_whose_partitions_decide_is_listed_by_them(database, prepared, keyed):
    """Without a catalog, a table that would block the application is left out, and named."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    if keyed:
        database.execute("CREATE TABLE parts (n int PRIMARY KEY) PARTITION BY LIST (n)", *PARTS[1:], "ALTER TABLE part REPLICA IDENTITY NOTHING")
    else:
        database.execute(*PARTS, "ALTER TABLE part REPLICA IDENTITY FULL")
    sql = prepared().assert_one_run_is_enough()
    database.execute("UPDATE parts SET n = 2")
    published = database.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'parts'")
    assert published == (0 if keyed else 1)
    assert ("-- public.parts\n" in sql and "Left out" in sql) == keyed


def test_without_a_catalog_a_new_table_is_added(database, prepared):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "CREATE TABLE unkeyed (n int)", "CREATE SCHEMA apart",
                     "CREATE TABLE apart.unkeyed (n int)")
    one = prepared(advanced={"discover_schemas": ["public"]})
    one.assert_one_run_is_enough()
    database.execute("CREATE TABLE more (id int PRIMARY KEY)", "INSERT INTO more VALUES (1)", "CREATE VIEW seen AS SELECT 1")
    sql = one.assert_one_run_is_enough()
    assert "ALL TABLES" not in sql and "seen" not in sql and "apart" not in sql
    process = run("read", *one.config, "--all").succeed()
    left_out = [line for line in process.stderr.splitlines() if "not captured" in line]
    assert left_out and all("unkeyed" in line for line in left_out), process.story()
    assert [record["stream"] for record in process.records] == ["more"]
    database.execute("ALTER TABLE unkeyed REPLICA IDENTITY FULL")
    assert "-- public.unkeyed" in sql and "unkeyed" in one.assert_one_run_is_enough()
    assert "not captured" not in run("read", *one.config, "--all").succeed().stderr


def test_a_schema_that_is_none_is_said(prepared):
    assert "discover_schemas names what is no schema" in prepared(advanced={"discover_schemas": ["public", "gone"]}).setup()


def test_row_security_binds_a_role_that_is_still_to_be_made(database, prepared):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)", "ALTER TABLE items ENABLE ROW LEVEL SECURITY")
    one = prepared("items")
    assert "BYPASSRLS" in one.assert_one_run_is_enough()
    one.one.run()
    assert len(one.one.records) == 1


@pytest.mark.parametrize("named", [True, False])
def test_a_table_that_may_be_read_in_a_schema_that_may_not_be_used(database, prepared, named):
    one = prepared(*([{**stream_of("t"), "stream": {**stream_of("t")["stream"], "namespace": "app"}}] if named else []))
    database.execute("CREATE SCHEMA app", "CREATE TABLE app.t (id int PRIMARY KEY)")
    one.make_role("REPLICATION", "GRANT SELECT ON app.t TO {role}")
    assert 'GRANT USAGE ON SCHEMA "app"' in one.assert_one_run_is_enough()


def test_the_owner_of_the_tables_makes_the_watermarks_table_itself(database, prepared):
    """It has to own the table in order to publish it."""
    one = prepared("items")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", "CREATE TABLE items (id int PRIMARY KEY)")
    one.make_role("REPLICATION", "ALTER TABLE items OWNER TO {role}", f"GRANT CREATE ON DATABASE {database.name} TO {{role}}")
    one.assert_one_run_is_enough()
    one.one.run()


def test_an_unlogged_table_takes_one_run(database, prepared):
    database.execute("CREATE UNLOGGED TABLE items (id int PRIMARY KEY)")
    prepared("items").assert_one_run_is_enough()


def test_a_right_to_make_triggers_that_was_passed_on_is_taken_away(database, prepared):
    one = prepared("items")
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", f'CREATE ROLE "{one.admin}"')
    one.assert_one_run_is_enough()
    database.execute(f'CREATE ROLE "third of {database.name}"', f'GRANT TRIGGER ON {database.watermarks} TO "{one.admin}" WITH GRANT OPTION',
                     f'SET ROLE "{one.admin}"', f'GRANT TRIGGER ON {database.watermarks} TO "third of {database.name}"', "RESET ROLE")
    try:
        assert "REVOKE TRIGGER" in one.assert_one_run_is_enough()
    finally:
        database.execute(f'DROP OWNED BY "third of {database.name}"', f'DROP ROLE "third of {database.name}"')


@pytest.mark.parametrize("schema", ["public", "of_the_capture"])
def test_what_an_administrator_may_not_run_is_left_to_others(database, prepared, schema):
    """It owns the tables, and has no other right. What others have to do comes first."""
    one = prepared("items", watermarks_table=f"{schema}.watermarks_of_the_test")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", f"CREATE ROLE \"{one.admin}\" LOGIN PASSWORD 'a'",
                     "CREATE TABLE items (id int PRIMARY KEY)", f'ALTER TABLE items OWNER TO "{one.admin}"')
    sql = one.setup(one.admin)
    others = left_to_others(sql)
    assert any(f'GRANT CREATE ON DATABASE "{database.name}"' in line for lines in others.values() for line in lines), sql
    assert any(line.startswith("CREATE ROLE ") for line in others[next(who for who in others if who.startswith("a superuser, or from"))])
    for lines in others.values():
        one.run("\n".join(lines))
    one.run(sql, one.admin)
    database.execute(f"ALTER ROLE \"{one.role}\" PASSWORD '{ROLE_PASSWORD}'")
    assert statements(one.setup(one.admin)) == []
    one.one.run()


def test_a_publication_for_all_tables_is_left_to_a_superuser(database, prepared):
    one = prepared("items", advanced={"publish_all_tables": True})
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", f"CREATE ROLE \"{one.admin}\" LOGIN CREATEROLE PASSWORD 'a'")
    assert any(" FOR ALL TABLES" in line for line in left_to_others(one.setup(one.admin))["a superuser"])


def test_limits_of_connections_are_left_to_who_may_change_them(database, prepared):
    one = prepared("items")
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", f"CREATE ROLE \"{one.admin}\" LOGIN PASSWORD 'a'",
                     f"ALTER DATABASE {database.name} CONNECTION LIMIT 3")
    one.make_role("REPLICATION CONNECTION LIMIT 1")
    others = left_to_others(one.setup(one.admin))
    found = {re.match(r"ALTER (ROLE|DATABASE) .* CONNECTION LIMIT", line)[1]: who for who, lines in others.items() for line in lines
             if "CONNECTION LIMIT" in line}
    older = database.connection.server_version < 160000
    assert found == {"ROLE": "a superuser" if older else f'a role with CREATEROLE and the ADMIN OPTION of role "{one.role}", or by a superuser',
                     "DATABASE": f'user "{SUPERUSER}", or by a superuser'}
    for lines in others.values():
        one.run("\n".join(line for line in lines if "CONNECTION LIMIT" in line))
    assert "CONNECTION LIMIT" not in one.setup(one.admin)


def test_the_password_of_the_administrator_is_in_the_environment(database, capture, tmp_path):
    """Without it the message says so, and doing that helps; the configuration has another user's."""
    one = Prepared(database, capture, tmp_path, [])
    words = ("setup-sql", *one.config, "--admin", SUPERUSER)
    refused = run(*words, PGPASSWORD="", HOME=str(tmp_path)).finish().stderr
    assert 'give it in PGPASSWORD or PGPASSFILE, in the environment; this is the user that --admin names' in refused
    assert people(*words, PGPASSWORD=PASSWORD).startswith("-- ")
