"""Stopping: by a signal, by a reader that goes away, by a disk that is full; and readers that are slow."""

import os
import signal
import subprocess
import threading
import time

import pytest

from connector import PATIENCE, Run, executable
from image import children_of
from proxy import Proxy


@pytest.fixture(name="big")
def big_table(database):
    database.execute("CREATE TABLE big (id int PRIMARY KEY, name text)",
                     "INSERT INTO big SELECT n, repeat('x', 200) FROM generate_series(1, 60000) n")
    return database


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["backfill", "streaming", "idle"])
def test_a_signal_ends_it_with_exit_0_and_a_whole_line(big, capture, number, moment):
    one = capture(["big"], tail=True, advanced={"backfill_chunk_size": 200})
    process = one.start()
    if moment == "backfill":
        process.wait_for_records(1000)
    else:
        process.wait_for_state(after=60000)
    if moment == "streaming":
        big.execute("UPDATE big SET name = 'y'")
        process.wait_for_records(60100)
    started = time.monotonic()
    process.stop(number)
    assert time.monotonic() - started < 10 * PATIENCE
    assert process.rest == b""
    assert not process.errors
    assert process.stderr.count(f"INFO: {number.name}: the capture stops\n") == 1


def blocks_signals(pid):
    """A signal stops it cleanly from its first moments on; before, it ends the process as any other."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        blocked = next(line.split()[1] for line in status if line.startswith("SigBlk"))
    return int(blocked, 16) >> (signal.SIGTERM - 1) & 1


def test_a_signal_during_start_ends_it_with_exit_0(big, capture):
    for delay in (0, 0.01, 0.05, 0.1, 0.2):
        process = capture(["big"], tail=True).start()
        process.wait_for(lambda run: blocks_signals(run.process.pid))
        time.sleep(delay)
        process.process.send_signal(signal.SIGTERM)
        process.finish(10 * PATIENCE)
        assert process.process.returncode == 0, process.story()


@pytest.mark.parametrize("answers", [1, 2, 3, 4])
def test_a_signal_while_a_connection_is_made_ends_it_soon(big, capture, answers):
    with Proxy(big.server.port) as proxy:
        one = capture(["big"], tail=True)
        one.config["port"] = proxy.port
        proxy.deaf = answers
        process = one.start()
        process.wait_for(lambda _: any(pair.frozen for pair in proxy.pairs))
        begun = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        process.finish(10 * PATIENCE)
        assert process.process.returncode == 0 and time.monotonic() - begun < 4 * PATIENCE, process.story()


def test_a_signal_while_tables_are_listed_ends_it_with_exit_0(big, capture):
    with Proxy(big.server.port) as proxy:
        one = capture([])
        one.config["port"] = proxy.port
        proxy.deaf = 1
        process = Run("read", "--config", one.path("config.json", one.config), "--all", "*")
        process.wait_for(lambda _: any(pair.frozen for pair in proxy.pairs))
        process.process.send_signal(signal.SIGTERM)
        process.finish(10 * PATIENCE)
        assert process.process.returncode == 0 and not process.errors, process.story()


def listens_for_signals(pid):
    return os.path.samefile(f"/proc/{pid}/exe", executable()) and blocks_signals(pid)


NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def may_be_first():
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_be_first(), reason="this user may not make a process the first of a namespace")
def test_a_signal_ends_the_first_process_of_a_container_with_exit_0():
    """As process 1 it does not get signals without a handler: the kernel drops them."""
    parent = subprocess.Popen([*NAMESPACE, executable()], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10 * PATIENCE
        while not (children := children_of(parent.pid)) or not listens_for_signals(children[0]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(children[0], signal.SIGTERM)
        assert parent.wait(10 * PATIENCE) == 0
    finally:
        parent.kill()
        parent.wait()


def test_a_signal_while_the_output_is_not_read_ends_it_soon(big, capture):
    """The pipe is full and stays full: it must still end within the driver's patience."""
    one = capture(["big"], tail=True)
    read_end, write_end = os.pipe()
    process = Run("read", *one.arguments(), stdout=write_end)
    os.close(write_end)
    time.sleep(1.5)
    process.process.send_signal(signal.SIGTERM)
    try:
        process.succeed(10 * PATIENCE)
    finally:
        os.close(read_end)
    assert "\nWARN: standard output is not read: stopped without it\n" in process.stderr and "ERROR" not in process.stderr


def test_a_signal_while_little_is_read_ends_it_with_a_whole_line(big, capture):
    """A chunk of megabytes is under way, of which a reader takes some 300 kB a second."""
    one = capture(["big"], tail=True)
    read_end, write_end = os.pipe()
    process = Run("read", *one.arguments(), stdout=write_end)
    os.close(write_end)
    pieces = []

    def read_slowly():
        while piece := os.read(read_end, 30000):
            pieces.append(piece)
            time.sleep(0.1)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        time.sleep(1.5)
        process.process.send_signal(signal.SIGTERM)
        process.finish(10 * PATIENCE)
    finally:
        reader.join()
        os.close(read_end)
    assert process.process.returncode == 0, process.story()
    lines = b"".join(pieces).splitlines(keepends=True)
    assert lines[-1].endswith(b"\n") and len(lines) < 20000


def test_a_closed_stdout_ends_it_with_an_error(big, capture):
    one = capture(["big"], tail=True)
    read_end, write_end = os.pipe()
    process = Run("read", *one.arguments(), stdout=write_end)
    os.close(write_end)
    os.read(read_end, 100)
    os.close(read_end)
    process.finish(20 * PATIENCE)
    assert process.process.returncode > 0, process.story()
    assert process.stderr.strip()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_ends_it_with_an_error(big, capture):
    with open("/dev/full", "wb") as full:
        process = capture(["big"]).start(stdout=full).finish()
    assert process.process.returncode > 0
    assert os.strerror(28).lower() in process.stderr.lower()


def test_a_slow_reader_costs_nothing_but_time(big, capture):
    """Paused for longer than wal_sender_timeout, with more to send than all buffers hold."""
    big.execute(f"ALTER DATABASE {big.name} SET wal_sender_timeout = '2s'")
    one = capture(["big"], tail=True)
    process = one.start().wait_for_active()
    process.reading.clear()
    big.execute("UPDATE big SET name = repeat('y', 300)", "UPDATE big SET name = repeat('z', 300)")
    time.sleep(6)
    assert process.process.poll() is None, process.story()
    process.reading.set()
    process.wait_for_state(after=180000).stop()
    one.keep(process)
    assert "interrupted" not in process.stderr, "it lost its connection"
    assert len(one.records) == 180000
    one.assert_equal(big=["id"])


def test_a_slow_reader_of_the_backfill(big, capture):
    big.execute(f"ALTER DATABASE {big.name} SET wal_sender_timeout = '2s'")
    one = capture(["big"])
    process = one.start().wait_for_records(1)
    process.reading.clear()
    time.sleep(5)
    process.reading.set()
    one.keep(process.succeed())
    assert "interrupted" not in process.stderr, "it lost its connection"
    one.assert_equal(big=["id"])


def test_terminated_connections_do_not_lose_anything(big, capture):
    """It may reconnect, or end with a transient error and be started again; the sum is the same."""
    one = capture(["big"], tail=True, advanced={"backfill_chunk_size": 500})
    for _ in range(3):
        process = one.start()
        process.wait_for(lambda run: len(run.records) >= 2000 or "Active" in run.modes().values())
        big.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        time.sleep(0.5)
        if process.process.poll() is None:
            process.process.terminate()
        process.finish()
        assert process.process.returncode == 0 or process.errors[0]["failure_type"] == "transient_error", process.story()
        one.keep(process)
    one.tail = False
    one.run()
    one.assert_equal(big=["id"])


def test_the_end_of_standard_input_does_not_matter_to_read(big, capture):
    process = capture(["big"]).start(stdin=subprocess.DEVNULL)
    process.succeed()
    assert len(process.records) == 60000
