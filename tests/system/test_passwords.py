"""Where the password may come from, and where it must not be seen."""

import json
import os

import pytest

from server import PASSWORD


def test_a_password_in_a_file(database, capture, tmp_path):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    one = capture(["t"], tail=True, password=None, password_file=str(path))
    process = one.start().wait_for_active()
    for name in ("cmdline", "environ"):
        with open(f"/proc/{process.process.pid}/{name}", "rb") as file:
            assert PASSWORD.encode() not in file.read(), name
    one.keep(process.stop())
    one.assert_equal(t=["id"])


def test_a_file_that_cannot_be_read_is_named(capture, database, tmp_path):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    process = capture(["t"], password=None, password_file=str(tmp_path / "none")).start().finish()
    assert process.process.returncode and process.errors[-1]["failure_type"] == "config_error"
    assert f"password_file cannot be read from {os.path.join(tmp_path, 'none')}" in process.errors[-1]["message"]


def test_a_file_that_is_empty_is_named(capture, database, tmp_path):
    """The server's own question would not say which password is missing."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    path = tmp_path / "password"
    path.write_text("\n", encoding="utf-8")
    process = capture(["t"], password=None, password_file=str(path)).start().finish()
    assert process.process.returncode and process.errors[-1]["failure_type"] == "config_error"
    assert f"password_file {path} is empty: write the password to it" in process.errors[-1]["message"]


@pytest.mark.parametrize("source", ["option", "file", "environment"])
def test_a_refused_password_is_said_to_be_where_it_is(capture, database, tmp_path, source):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    path = tmp_path / "password"
    path.write_text("wrong", encoding="utf-8")
    config = {"option": {"password": "wrong"}, "file": {"password": None, "password_file": str(path)}, "environment": {"password": None}}
    process = capture(["t"], **config[source]).start(**({"PGPASSWORD": "wrong"} if source == "environment" else {})).finish()
    names = {"option": 'its "password"', "file": f"the password in {path}", "environment": "the password in PGPASSWORD, "}
    assert process.process.returncode and process.errors[-1]["failure_type"] == "config_error"
    assert f'correct "user" in the configuration, or {names[source]}' in process.errors[-1]["message"]


def test_a_file_of_passwords_that_others_may_read_is_named(capture, database, tmp_path):
    """libpq would say so by itself, on standard error, in a line that is no line of the log."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    path = tmp_path / "pgpass"
    path.write_text(f"*:*:*:*:{PASSWORD}\n", encoding="utf-8")
    one = capture(["t"], password=None)
    path.chmod(0o644)
    process = one.start(PGPASSFILE=str(path), LOG_FORMAT="json").finish()
    assert process.process.returncode and f"run chmod 0600 {path}" in process.errors[-1]["message"]
    assert all(json.loads(line) for line in process.stderr.splitlines())
    path.chmod(0o600)
    one.start(PGPASSFILE=str(path)).succeed()
