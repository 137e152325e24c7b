"""Tables that a publication for all tables leaves out (PostgreSQL 19), on a server whose catalog is given the column
that says so: the catalog's answers are as in version 19, the server's own behaviour is not."""

import pytest

from capture import Capture
from connector import PATIENCE
from database import Database
from refusal import assert_refused
from server import Server, major

pytestmark = pytest.mark.skipif(major() not in range(15, 19), reason="of PostgreSQL 15 to 18, whose catalog has no such column")


@pytest.fixture(name="own")
def a_database():
    with Server(allow_system_table_mods="on") as server:
        own = Database(server)
        own.execute("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE other (id int PRIMARY KEY)",
                    f"CREATE TABLE {own.watermarks} (slot text PRIMARY KEY, watermark text)", own.publish_all,
                    "ALTER TABLE pg_catalog.pg_publication_rel ADD prexcept bool")
        yield own
        own.connection.close()


def leave_out(own, table):
    own.execute("INSERT INTO pg_publication_rel (oid, prpubid, prrelid, prexcept)"
                f" SELECT 4000000000, oid, '{table}'::regclass, true FROM pg_publication WHERE pubname = '{own.publication}'")


def test_what_is_left_out_is_noticed(own, tmp_path):
    one = Capture(own, tmp_path, ["t", "other"], tail=True, advanced={"check_interval": "1s"})
    process = one.start().wait_for_active()
    try:
        leave_out(own, "t")
        process.wait_for(lambda run: "table public.t is not in the publication any more" in run.stderr)
        own.execute("INSERT INTO other VALUES (1)")
        process.wait_for(lambda run: run.records_of("other"))
        assert "public.other" not in process.stop().stderr
        own.execute("DELETE FROM pg_publication_rel")
        leave_out(own, own.watermarks)
        assert_refused(one.start().finish(20 * PATIENCE), "config_error", "watermarks", "EXCEPT list")
    finally:
        one.kill_all()
