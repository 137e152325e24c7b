"""Outputs that are not read, or do not block: nothing hangs because of that, and only lines of the log are lost."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time

import pytest

from connector import PATIENCE, environment, executable


def start(*arguments, **options):
    return subprocess.Popen([executable(), *arguments], env=environment(), **{"stdin": subprocess.DEVNULL, **options})


def nonblocking(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)


def fill(fd):
    """Fill the pipe until it takes no more."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    nonblocking(fd)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except BlockingIOError:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def end(process, limit_s=10):
    try:
        return process.wait(limit_s * PATIENCE)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(name="many")
def many_tables(database, capture):
    database.execute("DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY,"
                     " a text, b text, c text)', n); END LOOP; END $$")
    return capture(["many_1"])


def test_a_signal_ends_a_discovery_that_is_not_read(many):
    process = start("discover", "--config", many.path("config.json", many.config), stdout=subprocess.PIPE)
    time.sleep(3)
    assert process.poll() is None, "all of it fitted: this test tests nothing"
    process.send_signal(signal.SIGTERM)
    assert end(process) == 0


@pytest.mark.parametrize("arguments", [["spec"], ["--help"], ["check", "--config", "/dev/null"]])
def test_a_signal_ends_a_command_whose_output_is_full(arguments):
    reader, writer = os.pipe()
    fill(writer)
    process = start(*arguments, stdout=writer)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert end(process) == 0
    os.close(reader)
    os.close(writer)


def test_a_signal_ends_flows_answer_that_is_not_read(many):
    process = start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps({"discover": {"connectorType": "IMAGE", "config": many.config}}).encode() + b"\n")
    process.stdin.flush()
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert end(process) == 0


def test_a_standard_output_that_does_not_block(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)",
                     "INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n")
    one = capture(["t"])
    reader, writer = os.pipe()
    nonblocking(writer)
    process = start("read", *one.arguments(), stdout=writer)
    os.close(writer)
    time.sleep(2)
    with os.fdopen(reader, "rb") as output:
        lines = [json.loads(line) for line in output]
    assert end(process) == 0
    assert [line["record"]["data"]["id"] for line in lines if line["type"] == "RECORD"] == list(range(1, 20001))


def unread(pipe):
    """How many bytes are in it."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"0000"))[0]


@pytest.mark.parametrize("end_by", ["itself", "a signal"])
def test_a_pipe_is_large_while_it_takes_records_and_no_longer(database, capture, end_by):
    """A relay between the program and its consumer may take what a pipe of the usual size holds, once the program has ended,
    and no more."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)",
                     "INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 500) n")
    one = capture(["t"], tail=end_by != "itself")
    reader, writer = os.pipe()
    process = start("read", *one.arguments(), stdout=writer)
    os.close(writer)
    database.wait_for("SELECT count(*) > 0 FROM pg_replication_slots WHERE active")
    time.sleep(3)
    assert fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) == 1 << 20 and unread(reader) > 500_000
    if end_by == "itself":
        assert process.poll() is None, "it has ended although more is to be taken than a pipe holds"
    else:
        process.send_signal(signal.SIGTERM)
    time.sleep(1)
    with os.fdopen(reader, "rb") as output:
        lines = [output.readline() for _ in range(460)]
        assert end(process) == 0 and unread(reader) <= 1 << 16
        lines += output.readlines()
    assert sum(json.loads(line)["type"] == "RECORD" for line in lines) == 500


@pytest.mark.parametrize("blocking", [True, False])
def test_a_log_that_is_not_read(database, capture, blocking):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 1000)")
    one = capture(["t"], tail=True)
    reader, writer = os.pipe()
    fill(writer)
    if not blocking:
        nonblocking(writer)
    process = start("read", *one.arguments(), stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    records = 0
    while records < 1000:
        records += b'"type":"RECORD"' in process.stdout.readline()
    nonblocking(reader)
    os.read(reader, 1 << 20)
    database.execute("TRUNCATE t", "INSERT INTO t VALUES (1)")
    while b'"type":"RECORD"' not in process.stdout.readline():
        pass
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    assert end(process) == 0
    log = os.read(reader, 1 << 20).decode()
    assert "lines of the log were dropped" in log and "was truncated" in log, log
    os.close(reader)
