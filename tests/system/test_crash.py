"""The process is ended at each named step in turn, and resumes exactly. Needs a build with CRASH_POINTS."""

import os
import signal
import subprocess

import pytest

from capture import Capture
from connector import executable
from database import Database
from server import Server
from test_resume import changes, moves
from writer import Writer

STEPS = ("slot-created", "chunk-begun", "chunk-read", "watermark-written", "row-printed", "state-due", "state-printed",
         "state-written", "change-printed", "commit-printed", "changes-received", "status-due")
ONCE = ("slot-created", "status-due")


def has_crash_points():
    ended = subprocess.run([executable(), "--version"], env={**os.environ, "CRASH_POINT": "version:1"},
                           stdout=subprocess.DEVNULL, check=False)
    return ended.returncode == -signal.SIGKILL


pytestmark = pytest.mark.skipif(not has_crash_points(), reason="the connector was built without CRASH_POINTS")


def crash_at(one, monkeypatch, step, time):
    monkeypatch.setenv("CRASH_POINT", f"{step}:{time}")
    process = one.start()
    monkeypatch.delenv("CRASH_POINT")
    process.finish()
    assert process.process.returncode == -signal.SIGKILL, process.story()
    one.keep(process)


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_is_resumed_exactly(database, capture, monkeypatch, step):
    """Three crashes in a row, each a little later in the remaining work, while a writer changes the table."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
                     "INSERT INTO items SELECT n, 0, repeat('x', 50) FROM generate_series(1, 3000) n")
    one = capture(["items"], tail=True, advanced={"backfill_chunk_size": 300, "backfill_workers": 2})
    make = (changes, moves)[STEPS.index(step) % 2]
    with Writer(database, make(rows=3000), 3, pause_s=0.003):
        for time in (1,) if step in ONCE else (1, 2, 3):
            crash_at(one, monkeypatch, step, time)
    one.tail = False
    one.run()
    one.assert_equal(items=["id"])


@pytest.mark.parametrize("moment", ["backfill", "streaming"])
def test_a_server_that_stays_away_is_given_up(tmp_path, monkeypatch, moment):
    """Such builds take the limit from the environment: else it is five minutes."""
    monkeypatch.setenv("GIVE_UP_S", "1")
    with Server() as server:
        own = Database(server)
        own.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 20000)")
        one = Capture(own, tmp_path, ["t"], tail=True, advanced={"backfill_chunk_size": 50})
        process = one.start()
        process.wait_for_records(200) if moment == "backfill" else process.wait_for_active()
        own.connection.close()
        server.stop()
        process.finish()
        assert process.process.returncode > 0, process.story()
        assert [error["failure_type"] for error in process.errors] == ["transient_error"]
        assert "gave up after" in process.errors[0]["message"] and str(server.port) in process.errors[0]["message"]
        assert "will try again" in process.stderr
