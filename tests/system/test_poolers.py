"""A pooler between: sessions that are not shared work like the server's own; all others are refused, naming the
pooler."""

import pytest

import pooler
from connector import run
from pooler import Pooler

pytestmark = pytest.mark.skipif(not pooler.program(), reason="the package pgbouncer is not installed")


def check(one):
    found = run("check", "--config", one.path("config.json", one.config)).succeed().of_type("CONNECTION_STATUS")[0]
    return found["connectionStatus"]["status"], found["connectionStatus"].get("message", "")


def catalog(one):
    return run("discover", "--config", one.path("config.json", one.config))


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_whose_sessions_are_not_ours_is_refused_by_name(server, database, capture, mode):
    with Pooler(server, mode) as between:
        one = capture(["t"], port=between.port)
        for _ in range(3):
            status, message = check(one)
            assert status == "FAILED" and "connection pooler in transaction or statement mode" in message
        found = catalog(one)
        assert found.process.returncode == 1 and "session mode" in found.errors[0]["message"]


def test_a_pool_in_session_mode_serves_questions_and_its_lack_of_replication_is_named(server, database, capture):
    """The start-up options that it is configured to ignore do not matter: this program does not rely on any."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with Pooler(server, "session", ignore_startup_parameters="options,extra_float_digits") as between:
        one = capture(["t"], port=between.port)
        assert [stream["name"] for stream in catalog(one).succeed().of_type("CATALOG")[0]["catalog"]["streams"]] == ["t"]
        status, message = check(one)
        assert status == "FAILED" and "pooler" in message
