"""setup-sql at a managed service, whose administrator is no superuser: what it prints is run, and then there is a capture."""

import re

import pytest

from connector import run
from people import ROLE_PASSWORD, people, run_sql, statements
from server import SUPERUSER

MARKS = {"rds": "rds_superuser", "cloudsql": "cloudsqlsuperuser", "azure": "azure_pg_admin", "supabase": "supabase_admin"}


class Service:
    """A database whose administrator owns it, beside a user who owns a table in a schema of his own."""

    def __init__(self, database, capture, provider, tmp_path):
        self.database, self.provider, self.tmp_path = database, provider, tmp_path
        self.mark = MARKS[provider]
        self.admin, self.other, self.role = (f"{name} of {database.name}" for name in ("Master", "Other", "Capture"))
        self.version = database.connection.server_version
        self.prepare()
        self.one = capture(["items", {**stream_of("t"), "stream": {**stream_of("t")["stream"], "namespace": "app"}}],
                           user=self.role, password=ROLE_PASSWORD)
        self.config = ["--config", self.one.path("config.json", self.one.config)]

    def prepare(self):
        """As superusers of the service do it before its customers come, and then these."""
        grantable = " WITH ADMIN OPTION" if self.version >= 160000 else ""
        self.database.execute(
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC", f"CREATE ROLE {self.mark} CREATEROLE",
            f"CREATE ROLE \"{self.admin}\" LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD 'm' IN ROLE {self.mark}",
            f'ALTER DATABASE {self.database.name} OWNER TO "{self.admin}"', f'GRANT ALL ON SCHEMA public TO "{self.admin}"',
            "CREATE ROLE rds_replication", f'GRANT rds_replication TO "{self.admin}"{grantable}',
            f'CREATE ROLE "{self.other}" LOGIN', f'CREATE SCHEMA app AUTHORIZATION "{self.other}"')
        if self.version < 150000:
            self.database.execute(f'ALTER SCHEMA public OWNER TO "{self.admin}"')
        self.run("CREATE TABLE items (id int PRIMARY KEY); INSERT INTO items VALUES (1)")
        self.run("CREATE TABLE app.t (id int PRIMARY KEY); INSERT INTO app.t VALUES (2)", self.other)

    def run(self, sql, user=None):
        run_sql(self.database, sql, self.tmp_path, user or self.admin)

    def setup(self, *more):
        return people("setup-sql", *self.config, "--admin", self.admin, *more, PGPASSWORD="m")

    def run_as_admin(self, sql):
        """A service lets its administrator make roles that replicate, and before version 16 the server itself does not."""
        replicates = re.compile(r'^CREATE ROLE ("[^"]*") LOGIN( REPLICATION)?;$', re.M)
        made = replicates.search(sql)
        if made and (self.version < 160000 or not made[2]):
            self.database.execute(f"{made[0].rstrip(';').removesuffix(' REPLICATION')} REPLICATION")
            if self.version >= 160000:  # as if the administrator had made it
                self.database.execute(f'GRANT {made[1]} TO "{self.admin}" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE')
            sql = replicates.sub("", sql)
        self.run(sql)
        self.database.execute(f"ALTER ROLE \"{self.role}\" PASSWORD '{ROLE_PASSWORD}'")

    def check(self):
        return run("check", *self.config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"]

    def drop(self):
        self.database.execute(f"ALTER DATABASE {self.database.name} OWNER TO {SUPERUSER}",
                              f"ALTER SCHEMA public OWNER TO {SUPERUSER}")
        for role in (self.role, self.other, self.admin, self.mark, "rds_replication"):
            self.database.execute(f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
                                  f' DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"; END IF; END $$')


def stream_of(name):
    return {"stream": {"name": name, "json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh", "incremental"]},
            "sync_mode": "incremental", "cursor_field": [], "destination_sync_mode": "append", "generation_id": 1, "sync_id": 7}


def left_to_others(sql):
    """Who has to run something -> those statements."""
    found, last = {}, None
    for line in sql.splitlines():
        if to_be_run := re.fullmatch(r"-- To be run by (.*):", line):
            last = found.setdefault(to_be_run[1], [])
        elif line.startswith("--   "):
            last.append(line.removeprefix("--   "))
    return found


@pytest.fixture(name="service")
def managed_service(database, capture, tmp_path):
    made = []

    def make(provider):
        made.append(Service(database, capture, provider, tmp_path))
        return made[-1]

    yield make
    for one in made:
        for run_ in one.one.runs:
            run_.kill()
        one.drop()


@pytest.mark.parametrize("provider", list(MARKS))
@pytest.mark.parametrize("named", [True, False])
def test_what_the_administrator_of_a_service_runs_is_enough(service, provider, named):
    one = service(provider)
    catalog = ["--catalog", one.one.write_catalog()] if named else []
    sql = one.setup(*catalog)
    one.run_as_admin(sql)
    assert one.check() == {"status": "SUCCEEDED"}
    others = left_to_others(sql)
    owner, both = sorted(others, key=lambda who: "GRANT" in who)
    assert owner.startswith(f'user "{one.other}"') and f'GRANT "{one.other}" TO "{one.admin}"' in both
    assert left_to_others(one.setup(*catalog)) == others and statements(one.setup(*catalog)) == []
    one.run("\n".join(others[owner]), one.other)
    one.database.execute(f'GRANT "{one.other}" TO "{one.admin}"')
    one.run("\n".join(others[both]))
    assert "has all that it needs" in one.setup(*catalog)
    one.database.execute(f'REVOKE "{one.other}" FROM "{one.admin}"')
    assert "has all that it needs" in one.setup(*catalog)
    assert statements(people("setup-sql", *one.config, *catalog)) == []
    one.one.run()
    assert {(record["namespace"], record["data"]["id"]) for record in one.one.records} == {("public", 1), ("app", 2)}


def test_an_administrator_asks_for_a_role_that_others_have_made(service):
    """Only a role with its ADMIN OPTION may give it to anyone; a table of another's is no watermarks table."""
    one = service("cloudsql")
    one.database.execute(f"CREATE ROLE \"{one.role}\" LOGIN REPLICATION PASSWORD '{ROLE_PASSWORD}'")
    sql = one.setup()
    needed = [lines for who, lines in left_to_others(sql).items() if f'ADMIN OPTION of role "{one.role}"' in who]
    if one.version < 160000:  # CREATEROLE is enough
        assert needed == []
    else:
        assert needed == [[f'GRANT "{one.role}" TO "{one.admin}" WITH ADMIN OPTION;']]
        one.database.execute(needed[0][0])
    one.run(one.setup())
    assert one.check() == {"status": "SUCCEEDED"}


def test_a_publication_of_another_is_left_to_its_owner(service):
    one = service("azure")
    one.database.execute(f"CREATE PUBLICATION {one.database.publication} FOR TABLE app.t",
                         f'ALTER PUBLICATION {one.database.publication} OWNER TO {SUPERUSER}')
    catalog = ["--catalog", one.one.write_catalog()]
    sql = one.setup(*catalog)
    one.run_as_admin(sql)
    for who, lines in left_to_others(sql).items():
        assert (f'"{one.other}"' in who) == any(" SELECT " in line for line in lines)
        one.database.execute(*lines)
    assert one.check() == {"status": "SUCCEEDED"}
    assert "has all that it needs" in one.setup(*catalog)
