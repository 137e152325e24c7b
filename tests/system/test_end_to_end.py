"""tests/run.sh, the test that a user may run against a server of their own."""

import os
import subprocess

import pytest

from connector import PATIENCE, executable
from server import PASSWORD, SUPERUSER

SCRIPT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "run.sh"))


@pytest.mark.long
@pytest.mark.limit(280)
def test_both_protocols_end_to_end_on_a_given_server(database):
    environment = {**os.environ, "CONNECTOR": executable(), "PGHOST": "127.0.0.1", "PGPORT": str(database.server.port),
                   "PGDATABASE": database.name, "PGUSER": SUPERUSER, "PGPASSWORD": PASSWORD, "SECONDS_EACH": "1"}
    done = subprocess.run([SCRIPT], env=environment, timeout=270 * PATIENCE, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "equal" in done.stdout
    assert database.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == 0
    assert database.value("SELECT count(*) FROM pg_publication") == 0
    assert database.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'end_to_end%'") == 0


def test_an_image_needs_docker(tmp_path):
    environment = {**os.environ, "CONNECTOR": "no-such-image", "PATH": str(tmp_path) + ":/usr/bin:/bin"}
    if os.path.exists("/usr/bin/docker") or os.path.exists("/bin/docker"):
        pytest.skip("there is docker")
    done = subprocess.run([SCRIPT], env=environment, timeout=120, text=True, capture_output=True, check=False)
    assert done.returncode != 0 and "no-such-image:latest" in done.stderr
