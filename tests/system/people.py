"""Commands for people, and the SQL that they print."""

import os
import subprocess

from connector import executable
from server import PASSWORD, SUPERUSER, binary

ROLE_PASSWORD = "ro1e-s3cret"


def people(*arguments, code=0, stdin=None, **variables):
    """The output of a command for people: plain text alone, and on failure one line on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    ended = subprocess.run([executable(), *arguments], check=False, timeout=60, capture_output=True, text=True,
                           input=stdin if stdin is not None else "", env={**environment, **variables})
    assert ended.returncode == code, ended
    assert PASSWORD not in ended.stdout + ended.stderr and ROLE_PASSWORD not in ended.stdout + ended.stderr
    return ended.stdout if code == 0 else ended.stdout + ended.stderr


def run_sql(database, sql, tmp_path, user=SUPERUSER):
    """As an administrator does: with psql, which stops at the first error."""
    path = tmp_path / "setup.sql"
    path.write_text(sql, encoding="utf-8")
    server = database.server
    ended = subprocess.run([binary("psql"), "-X", "-q", "-h", server.directory, "-p", str(server.port), "-U", user,
                            "-d", database.name, "-v", "ON_ERROR_STOP=1", "-f", str(path)],
                           check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, (ended.stderr, sql)


def statements(sql):
    return [line for line in sql.splitlines() if line and not line.startswith("--")]
