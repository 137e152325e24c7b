"""tests/run.sh, the test that users may run against their own server."""

import os
import re
import signal
import subprocess
import time

import pytest

from connector import PATIENCE, executable
from server import PASSWORD, SUPERUSER, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "run.sh")
FAULTY = os.path.join(HERE, "faulty.py")


def environment(database, **variables):
    return {**os.environ, "CONNECTOR": executable(), "PGHOST": "127.0.0.1", "PGPORT": str(database.server.port),
            "PGDATABASE": database.name, "PGUSER": SUPERUSER, "PGPASSWORD": PASSWORD, **variables}


def end_to_end(database, **variables):
    done = subprocess.run([SCRIPT], env=environment(database, **variables), timeout=270 * PATIENCE, text=True,
                          capture_output=True, check=False)
    assert nothing_left(database)
    return done


def nothing_left(database):
    return [database.value(f"SELECT count(*) FROM {what}") for what in (
        "pg_replication_slots WHERE database = current_database()", "pg_publication",
        "pg_namespace WHERE nspname LIKE 'end_to_end%'")] == [0, 0, 0]


@pytest.mark.long
@pytest.mark.limit(280)
def test_both_protocols_end_to_end_on_a_given_server(database):
    done = end_to_end(database)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "equal" in done.stdout


@pytest.mark.on_request
@pytest.mark.long
@pytest.mark.limit(280)
@pytest.mark.parametrize("fault, complaint", [
    ("u drop", "differ|not as it was before"), ("c double", "a create of a row that is there"),
    ("u double", "'u' of a row that is not there"),
    ("d double", "'d' of a row that is not there")])
def test_a_record_that_is_lost_or_comes_twice_is_noticed(database, fault, complaint):
    done = end_to_end(database, CONNECTOR=FAULTY, SOURCE_POSTGRES=executable(), FAULT=fault)
    assert done.returncode != 0 and re.search(complaint, done.stdout + done.stderr), \
        done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("wrong, complaint", [
    ({"PGPASSWORD": "wrong"}, "password authentication failed"), ({"PGPORT": str(free_port())}, "Connection refused"),
    ({"PGDATABASE": "nowhere"}, 'database "nowhere" does not exist'), ({"PGPORT": "many"}, "many"),
    ({"CONNECTOR": "/no/such/program"}, "no executable: /no/such/program"), ({"CONNECTOR": HERE}, "no executable"),
    ({"CONNECTOR": "no-such-image", "VERSION": "dev"}, "image no-such-image:dev")])
def test_what_is_wrong_with_the_environment_is_said_in_a_few_lines(database, wrong, complaint):
    done = end_to_end(database, **wrong)
    assert done.returncode != 0 and complaint in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_objects_that_it_made_are_dropped_at_a_stop(database, number):
    process = subprocess.Popen([SCRIPT], env=environment(database), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60 * PATIENCE
    while not database.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    assert b"Traceback" not in process.communicate(timeout=60 * PATIENCE)[1]
    assert process.returncode != 0 and nothing_left(database)
