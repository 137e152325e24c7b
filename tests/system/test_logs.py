"""The log on standard error: its two forms, how often lines are repeated, and which waits are named."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from capture import Capture
from connector import PATIENCE, Run, environment, executable, run
from database import Database
from server import Server
from test_resume import ITEMS, fill


def entries(process):
    """Each line is one JSON object."""
    return [json.loads(line) for line in process.stderr.splitlines()]


@pytest.mark.parametrize("options, variables", [(["--log-format", "json"], {}), (["--log-format=json"], {"LOG_FORMAT": "plain"}),
                                                ([], {"LOG_FORMAT": "json"})])
def test_a_read_logs_json_where_that_is_asked_for(database, capture, options, variables):
    database.execute(ITEMS, fill(10))
    one = capture(["items"])
    said = entries(run("read", *one.arguments(), *options, **variables).succeed())
    assert all({"level", "msg", "ts", "thread"} <= set(entry) for entry in said)
    assert any(entry["msg"].startswith("wrote 10 rows") for entry in said)


def test_lines_are_plain_unless_asked_for(database, capture):
    database.execute(ITEMS, fill(10))
    assert "\nINFO: wrote 10 rows" in run("read", *capture(["items"]).arguments()).succeed().stderr


def read_into(stderr, one, *options):
    subprocess.run([executable(), "read", *one.arguments(), *options], check=False, timeout=60 * PATIENCE, stdout=subprocess.DEVNULL,
                   stderr=stderr, env=environment())


def read_into_file(path, one, *options):
    with open(path, "wb") as log:
        read_into(log, one, *options)
    return path.read_text().splitlines()


@pytest.mark.parametrize("tables, last", [(["items"], "INFO: wrote 10 rows"), (["nothing", "none"], "source-postgres: ")])
def test_lines_in_a_file_begin_with_the_time(database, capture, tmp_path, tables, last):
    """So does each line of an error that has several."""
    database.execute(ITEMS, fill(10))
    begun = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    lines = [line.split(" ", 1) for line in read_into_file(tmp_path / "log", capture(tables))]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", when) for when, _ in lines), lines
    times = [datetime.fromisoformat(when.replace("Z", "+00:00")) for when, _ in lines]
    assert begun <= times[0] and times == sorted(times) and times[-1] <= datetime.now(timezone.utc)
    assert any(line.startswith(last) for _, line in lines) and len(lines) > 1, lines


def test_json_lines_in_a_file_have_the_time_within(database, capture, tmp_path):
    database.execute(ITEMS, fill(10))
    lines = read_into_file(tmp_path / "log", capture(["items"]), "--log-format", "json")
    assert lines and all("ts" in json.loads(line) for line in lines)


def test_lines_to_a_socket_have_no_time(database, capture):
    """As to a journal, which has the time of each line itself. Pipes get none in all other tests."""
    database.execute(ITEMS, fill(10))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        read_into(theirs, capture(["items"]))
        lines = ours.recv(1 << 16).decode().splitlines()
    assert lines and all(line.startswith("INFO: ") for line in lines), lines


@pytest.mark.parametrize("arguments, table", [(["read"], None), (["check"], None), (["status"], None), (["bogus"], None), (["read"], "items")])
def test_the_last_json_line_is_the_error(database, capture, arguments, table):
    one = capture(["items"], password="wr0ng" if table is None else one_password(database))
    files = {"read": one.arguments(), "check": ["--config", "/nowhere"], "status": one.arguments()[:2], "bogus": []}
    process = run(*arguments, *files[arguments[0]], LOG_FORMAT="json").finish()
    if arguments != ["check"]:  # whose answer it is
        assert process.process.returncode == 1
        last = entries(process)[-1]
        assert last["level"] == "error" and last["kind"] == "config_error" and last.get("table") == table


def one_password(database):
    return database.config()["password"]


def test_a_format_that_is_none_is_refused():
    assert "--log-format must be plain or json" in run("spec", "--log-format", "xml").finish().stderr


@pytest.mark.parametrize("variables, said", [
    ({"LOG_LEVEL": "loud"}, 'WARN: LOG_LEVEL is "loud", which is none of error, warn, info and debug: it is taken for info\n'),
    ({"LOG_FORMAT": "xml"}, 'WARN: LOG_FORMAT is "xml", which is neither json nor plain: it has no effect\n'),
    ({"LOG_LEVEL": "WARNING", "LOG_FORMAT": "PLAIN"}, ""), ({"LOG_LEVEL": "Critical"}, ""), ({"LOG_LEVEL": "", "LOG_FORMAT": ""}, "")])
def test_what_the_environment_says_of_logs_in_vain_is_said(variables, said):
    assert run("spec", **variables).succeed().stderr == said


@pytest.mark.parametrize("level, warns, informs", [("FATAL", False, False), ("warning", True, False), ("Info", True, True)])
def test_platforms_have_words_of_their_own_for_levels(database, capture, level, warns, informs):
    database.execute(ITEMS, fill(10))
    one = capture(["items"], advanced={"skip_backfills": "public.nothing"})
    said = run("read", *one.arguments(), LOG_LEVEL=level).succeed().stderr
    assert ("WARN: " in said, "INFO: " in said) == (warns, informs)


def test_the_same_line_is_said_once_a_minute(database, capture):
    """The line here: a connection is refused. The connector chooses the seconds in between."""
    database.execute(ITEMS, fill(10))
    process = capture(["items"], tail=True).start().wait_for_active()
    database.server.connect().cursor().execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 1")
    try:
        database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        process.wait_for(lambda run: "replication interrupted" in run.stderr)
        time.sleep(2)
    finally:
        database.server.connect().cursor().execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
    process.stop()
    lines = process.stderr.splitlines()
    assert all(lines.count(line) == 1 for line in lines), process.stderr


def test_an_outage_has_a_line_of_each_connection_and_a_line_at_its_end(tmp_path):
    with Server() as server:
        own = Database(server)
        own.execute(ITEMS, fill(10))
        process = Capture(own, tmp_path, ["items"], tail=True, advanced={"check_interval": "200ms"}).start().wait_for_active()
        assert "again after" not in process.stderr and "is back" not in process.stderr
        server.crash()
        process.wait_for(lambda run: all(f"{one} interrupted" in run.stderr for one in ("replication", "service connection")))
        time.sleep(5)
        lines = [line for line in process.stderr.splitlines() if "nothing answers" in line]
        server.start()
        process.wait_for(lambda run: all(re.search(rf"^INFO: {one} after \d+\.\d s$", run.stderr, re.MULTILINE)
                                         for one in ("replication connected again", "service connection is back")))
        process.stop()
        own.connection.close()
    assert lines and len(lines) == len(set(lines)), process.stderr
    assert process.stderr.count(" connected again ") == process.stderr.count(" is back ") == 1


def test_a_failed_query_names_its_table(database, capture):
    database.execute(ITEMS, fill(3000))
    process = capture(["items"], tail=True, advanced={"backfill_chunk_size": 10}).start(
        pause_at=lambda message: message["type"] == "RECORD").wait_until_paused()
    database.end_sessions("source-postgres backfill%")
    process.go_on().wait_for(lambda run: "backfill interrupted" in run.stderr).wait_for_active()
    line, = [line for line in process.stop().stderr.splitlines() if "backfill interrupted" in line]
    assert "public.items" in line


def test_a_consumer_that_does_not_read_is_named(database, capture):
    database.execute(ITEMS, fill(20000))
    process = capture(["items"], tail=True).start().wait_for_records(10)
    process.reading.clear()
    deadline = time.monotonic() + 30 * PATIENCE
    while "waiting for the consumer" not in process.stderr:
        assert time.monotonic() < deadline, process.stderr
        time.sleep(0.1)
    process.reading.set()
    process.wait_for_active().stop()
    assert process.stderr.count("waiting for the consumer: nobody has read standard output for ") == 1
    again = re.findall(r"^INFO: the consumer reads again, after about (\d+) s$", process.stderr, re.MULTILINE)
    assert len(again) == 1 and int(again[0]) >= 5, process.stderr


def test_a_consumer_that_does_not_read_is_named_while_that_lasts(database, capture, preload):
    """Each second is half a minute of the log. Not once it reads again."""
    database.execute(ITEMS, fill(20000))
    process = capture(["items"], tail=True).start(LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30").wait_for_records(10)
    process.reading.clear()
    said = r"^WARN: waiting for the consumer: nobody has read standard output for (\d+) s, and what is captured has to wait"
    process.wait_for(lambda run: len(re.findall(said, run.stderr, re.MULTILINE)) >= 3)
    seconds = [int(one) for one in re.findall(said, process.stderr, re.MULTILINE)]
    assert all(60 <= after - before < 150 * PATIENCE for before, after in zip(seconds, seconds[1:])), process.stderr
    process.reading.set()
    process.wait_for_active().stop()


def test_a_consumer_that_reads_is_not_named(database, capture):
    database.execute(ITEMS, fill(10))
    process = capture(["items"], tail=True).start().wait_for_active()
    time.sleep(7)
    assert "waiting for the consumer" not in process.stop().stderr


def progress_lines(process):
    return [line for line in process.stderr.splitlines() if " in backfill, " in line]


@pytest.mark.parametrize("output", [True, False])
def test_an_idle_capture_does_not_repeat_its_progress(database, capture, preload, tmp_path, output):
    """Each second is half a minute of the log. To files nothing more is said; a platform wants a message now and then. Another
    lag is news: by that clock a moment's is large, as it is where WAL comes from elsewhere, or at a slow stop."""
    database.execute(ITEMS, fill(10))
    arguments = ["--output", str(tmp_path / "files")] if output else []
    one = capture(["items"], tail=True)
    process = Run("read", *one.arguments(), *arguments, LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30")
    process.wait_for(lambda run: progress_lines(run))
    time.sleep(12)
    lines = progress_lines(process)
    process.stop()
    idle = [line for line in lines if "0 of 1 table in backfill, 10 rows (0/s), 0 changes (0/s)" in line]
    again = [line for line, before in zip(lines[1:], lines) if line == before]
    assert len(again) <= (0 if output else 1) and len(idle) < 7 and not any("more time" in line for line in lines), process.stderr


TABLES = [f"t{n}" for n in range(8)]


def start_eight_backfills(database, capture, preload, *options):
    """Each second is half a minute of the log, and a backfill takes one or so."""
    for name in TABLES:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, a text)",
                         f"INSERT INTO {name} SELECT n, repeat('x', 300) FROM generate_series(1, 3000) n")
    database.execute("ANALYZE")
    one = capture(TABLES, tail=True, advanced={"backfill_mb_per_second": 1, "backfill_chunk_size": 200})
    return Run("read", *one.arguments(), *options, LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30")


def test_progress_names_tables_in_backfill(database, capture, preload):
    """Five of them, those that come on first, and counts the others; each once it is over; and nothing again that has not moved."""
    process = start_eight_backfills(database, capture, preload).wait_for_active()
    process.wait_for(lambda run: re.search(r"^INFO: public\.t\d: changes, 3000 rows backfilled$", run.stderr, re.MULTILINE)).stop()
    begin = r"^INFO: public\.t\d: backfill, [1-9]\d* of about 3000 rows \(\d+ %\), [1-9]\d*/s"
    assert re.search(begin + r", about \d+ (s|min|h) left(; and \d+ others? in backfill)?$", process.stderr, re.MULTILINE), process.stderr
    many = re.search(r"^INFO: ([6-8]) of 8 tables in backfill, .*\n(?:INFO: public\..*\n)*?.*; and (\d) others? in backfill$", process.stderr,
                     re.MULTILINE)
    assert many and int(many[1]) == 5 + int(many[2]), process.stderr
    lines = [line.partition("; and ")[0] for line in process.stderr.splitlines() if line.startswith("INFO: public.t")]
    assert len(lines) == len(set(lines)), process.stderr


def test_progress_in_json_has_numbers(database, capture, preload):
    process = start_eight_backfills(database, capture, preload, "--log-format", "json").wait_for_active()
    process.wait_for(lambda run: '"phase":"changes"' in run.stderr).stop()
    said = [entry for entry in entries(process) if "phase" in entry]
    of_all = [entry for entry in said if "table" not in entry]
    of_tables = [entry for entry in said if entry["phase"] == "backfill" and "table" in entry]
    assert all(" in backfill, " in entry["msg"] and entry["tables"] == 8 for entry in of_all), of_all
    numbers = ("tables_in_backfill", "rows", "rows_per_second", "changes", "changes_per_second", "lag_ms")
    assert of_all and all(isinstance(entry[name], int) for entry in of_all for name in numbers), of_all
    assert all(entry["schema"] == "public" and entry["table"] in TABLES and entry["row_estimate"] == 3000 for entry in of_tables), of_tables
    moves = [entry for entry in of_tables if entry["rows_per_second"] > 0 and entry["rows"] > 0]
    assert moves and any(entry.get("seconds_left", 0) > 0 for entry in moves), of_tables


def test_a_wait_to_begin_counts_for_no_rate(database, capture, preload):
    """Each second is half a minute of the log."""
    database.execute(ITEMS, fill(100000), "ANALYZE items")
    one = capture(["items"], tail=True, advanced={"backfill_mb_per_second": 1, "backfill_chunk_size": 200})
    with closing(database.connect()) as other:
        other.autocommit = False
        other.cursor().execute("LOCK TABLE items")
        process = one.start(LOG_FORMAT="json", LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30")
        process.wait_for(lambda run: " waits for a lock on public.items" in run.stderr)
        time.sleep(5)
        other.rollback()
    process.wait_for(lambda run: any(entry.get("rows") for entry in entries(run))).stop()
    first = next(entry for entry in entries(process) if entry.get("rows") and "table" not in entry)
    assert first["rows_per_second"] * 100 > first["rows"], first


def test_nothing_follows_the_last_line(database, capture):
    """A line that was left out is counted before it; of an interruption that is over nothing is said."""
    database.execute(ITEMS, fill(10))
    process = capture(["items"], tail=True).start(LOG_LEVEL="info").wait_for_active()
    for n in (1, 2):
        database.wait_for(f"SELECT count(*) = 1 FROM pg_replication_slots WHERE active AND slot_name = '{database.slot}'")
        database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        database.execute(f"INSERT INTO items VALUES ({10 + n})")
        process.wait_for_records(10 + n)
        process.process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
    process.stop()
    assert process.stderr.count("SIGHUP: ") == 2 and re.search(r"SIGHUP: .* \(1 more time\)\n", process.stderr), process.stderr
    assert process.stderr.count("replication interrupted") == process.stderr.count("replication connected again") == 1, process.stderr
    assert re.match("INFO: wrote 10 rows", process.stderr.splitlines()[-1]), process.stderr


def test_no_time_is_left_where_no_rows_come(database, capture, preload):
    database.execute(ITEMS, fill(200000), "ANALYZE items")
    one = capture(["items"], tail=True, advanced={"memory_limit_mb": 16, "backfill_chunk_size": 1000})
    process = one.start(LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30").wait_for_records(100)
    process.reading.clear()
    process.wait_for(lambda run: len([line for line in progress_lines(run) if "rows (0/s)" in line]) > 1)
    process.reading.set()
    process.stop()
    assert [line for line in progress_lines(process) if "rows (0/s)" in line and "left" in line] == []
    still = [line for line in process.stderr.splitlines() if re.match(r"INFO: public\.items: backfill, .* rows \(\d+ %\), 0/s", line)]
    assert len(still) == len(set(still)) and not any("left" in line for line in still), process.stderr


@pytest.mark.parametrize("level", ["debug", "info"])
def test_debug_says_what_the_capture_does(database, capture, tmp_path, level):
    """Of chunks, states, acknowledgements and looks; and none of it otherwise."""
    database.execute(ITEMS, fill(3000), "CREATE TABLE small (id int PRIMARY KEY)", "INSERT INTO small VALUES (1)",
                     "CREATE TABLE smaller (id int PRIMARY KEY)", "ANALYZE")
    one = capture(["items", "small", "smaller"], tail=True, advanced={"backfill_chunk_size": 1000, "check_interval": "1s"})
    process = Run("read", *one.arguments(), "--output", str(tmp_path / "files"), LOG_LEVEL=level)
    position = "[0-9A-F]+/[0-9A-F]+"
    wanted = [r"read a chunk of public\.items: 1000 rows, in \d+ ms", r"read a chunk of public\.small: 1 row, in \d+ ms",
              r"read a chunk of public\.smaller: 0 rows, in \d+ ms", f"wrote a state: everything up to {position} is in the output",
              f"the server is told that all is stored up to {position}", rf"looked at how 3 tables are now, at {position}: that took \d+ ms"]
    if level == "debug":
        process.wait_for(lambda run: all(re.search(f"DEBUG: {line}\n", run.stderr) for line in wanted))
    else:
        process.wait_for(lambda run: os.path.exists(tmp_path / "files" / "state.json"))
        time.sleep(1.5)
    assert process.stop().stderr.count("DEBUG: ") < 30 and (level == "debug" or "DEBUG" not in process.stderr)
