"""Faults of the machine: the process is stopped and continued, its clock jumps, its memory or its disk is full. The
capture continues, or ends and says why; the next run loses nothing, and repeats nothing."""

import resource
import signal
import time

import pytest

from again import SOON, resume_from, stand_still
from connector import PATIENCE, Run

ROWS = 3000
TABLE = ("CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0, filler text DEFAULT repeat('x', 200))",
         f"INSERT INTO t SELECT n FROM generate_series(1, {ROWS}) n")
CHANGES = "UPDATE t SET n = n + 1 WHERE id % 3 = 0"
SERVERS_PATIENCE_S = 1


@pytest.fixture(name="one")
def capture_of_a_table(database, capture):
    database.execute(*TABLE)
    return capture(["t"], tail=True, advanced={"backfill_chunk_size": 50, **SOON})


def finish(one):
    one.tail = False
    one.run()
    one.assert_equal(t=["id"])


def is_captured(one, process):
    """Changes written now come, and a state after them."""
    before = len(process.records)
    one.database.execute(CHANGES)
    return process.wait_for_state(before + ROWS // 3)


# It is stopped, as by a debugger, a suspended machine or the freezer of a container.


@pytest.mark.parametrize("backfilling", [True, False])
def test_a_process_that_is_stopped_for_longer_than_the_server_waits(one, database, backfilling):
    database.execute(f"ALTER DATABASE {database.name} SET wal_sender_timeout = '{SERVERS_PATIENCE_S}s'",
                     f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = '{SERVERS_PATIENCE_S}s'")
    process = one.start()
    if backfilling:
        stand_still(process)
    else:
        process.wait_for_active().process.send_signal(signal.SIGSTOP)
    database.execute(CHANGES)
    database.wait_for(f"SELECT NOT active FROM pg_replication_slots WHERE slot_name = '{database.slot}'", 20 * PATIENCE)
    database.execute(CHANGES)
    resume_from(process).wait_for_active()
    assert "replication interrupted, will try again" in is_captured(one, process).stderr
    one.keep(process.stop())
    finish(one)


# Its clock.


@pytest.mark.parametrize("seconds", [-86400, 86400])
def test_a_clock_that_jumps(one, preload, tmp_path, seconds):
    """Timers work as before; only the time of day is wrong."""
    shift = tmp_path / "shift"
    process = one.start(LD_PRELOAD=preload("shifted_clock"), CLOCK_SHIFT=str(shift)).wait_for_active()
    is_captured(one, process)
    for wrong in (seconds, 0):
        shift.write_text(str(wrong), encoding="ascii")
        began = time.monotonic()
        is_captured(one, process)
        assert time.monotonic() - began < 5 * PATIENCE
        emitted = process.messages[-1 - next(n for n, message in enumerate(reversed(process.messages))
                                             if message["type"] == "RECORD")]["record"]["emitted_at"]
        assert abs(emitted / 1000 - wrong - time.time()) < 60 * PATIENCE
    one.keep(process.stop())
    assert "interrupted" not in process.stderr
    finish(one)


# Its memory.


@pytest.mark.parametrize("spare_kib", [0, 512, 4096, 16384])
def test_memory_that_cannot_be_had(one, database, spare_kib):
    """Under the limit of a batch system, or of a shell; a process that runs out of memory ends at once, whatever it was
    doing."""
    process = one.start().wait_for_active()
    with open(f"/proc/{process.process.pid}/statm", encoding="ascii") as file:
        size = int(file.read().split()[0]) * resource.getpagesize() + spare_kib * 1024
    resource.prlimit(process.process.pid, resource.RLIMIT_AS, (size, size))
    database.execute(CHANGES, "UPDATE t SET filler = repeat('y', 30000)")
    process.wait_for(lambda run: run.process.poll() is not None or run.records_before_last_state() >= 2 * ROWS)
    if process.process.poll() is None:
        process.process.terminate()
    process.finish()
    assert process.process.returncode == 0 or (process.process.returncode > 0 and "memory" in process.stderr), process.story()
    one.keep(process)
    finish(one)


# Its disk.


def until_it_is_full(one, path, room):
    """A run whose messages go to a file that must not become larger; those that are whole."""
    with open(path, "wb") as file:
        process = Run("read", *one.arguments(), stdout=file)
        one.runs.append(process)
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (room, room))
        process.finish()
    assert process.process.returncode > 0 and "file too large" in process.stderr.lower(), process.story()
    *lines, _ = path.read_bytes().split(b"\n")
    for line in lines:
        process.take_line(line)
    return one.keep(process)


def test_a_disk_that_is_full_in_mid_backfill_and_once_more(one, database, tmp_path):
    """Each run continues after the last whole state in the previous file."""
    for n in range(3):
        process = until_it_is_full(one, tmp_path / f"out{n}", 300000)
        assert len(process.records) > 100
        database.execute(CHANGES)
    finish(one)
