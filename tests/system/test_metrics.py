"""Metrics: over HTTP, in a file, and whether a capture is alive and moving."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector import PATIENCE, executable, run
from proxy import Proxy
from server import free_port


def parse(text):
    """(name, labels) -> value, as Prometheus' own client reads it; without the labels that say which capture it is."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len({(sample.labels.pop("server"), sample.labels.pop("slot")) for sample in samples}) == 1
    return {(sample.name.removeprefix("source_postgres_"), frozenset(sample.labels.items())): sample.value for sample in samples}


def value(metrics, name, **labels):
    return metrics.get((name, frozenset(labels.items())))


def get(process, path, method="GET"):
    process.wait_for(lambda run: "metrics are at" in run.stderr)
    url = re.search(r"metrics are at (http://127\.0\.0\.1:\d+)/", process.stderr)[1]
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(process):
    status, text = get(process, "/metrics")
    assert status == 200
    return parse(text)


def wait_for_metric(process, holds):
    process.wait_for(lambda run: holds(scrape(run)))
    return scrape(process)


def checked_by_promtool(text):
    if not shutil.which("promtool"):
        return
    ended = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=30, check=False)
    assert ended.returncode == 0 and not ended.stdout + ended.stderr, ended


def start(one, **variables):
    one.start(METRICS_LISTEN="0", **variables)
    return one.runs[-1]


def test_metrics_show_what_was_captured(database, capture):
    database.execute('CREATE TABLE items (id int PRIMARY KEY, t text)', 'CREATE TABLE "Odd ""name""" (id int PRIMARY KEY)',
                     "INSERT INTO items SELECT g, 'some text' FROM generate_series(1, 1000) g", "ANALYZE items")
    process = start(capture(["items", 'Odd "name"'], tail=True, advanced={"check_interval": "100ms"})).wait_for_active()
    for n in range(5):
        database.execute(f"UPDATE items SET t = 'other' WHERE id <= {10 * (n + 1)}")
    process.wait_for_records(1150)
    metrics = wait_for_metric(process, lambda now: value(now, "records_total", schema="public", table="items", path="replication") == 150
                              and value(now, "slot_retained_wal_bytes") is not None and value(now, "lag_bytes") == 0)
    items = {"schema": "public", "table": "items"}
    assert value(metrics, "records_total", **items, path="backfill") == 1000
    sizes = {path: sum(len(json.dumps(record["data"])) for record in process.records
                       if ("snapshot" in record["data"]["_meta"]["source"]) == (path == "backfill"))
             for path in ("backfill", "replication")}
    for path, size in sizes.items():
        assert 0.7 * size < value(metrics, "record_bytes_total", **items, path=path) < 2 * size, path
    assert value(metrics, "records_total", schema="public", table='Odd "name"', path="backfill") == 0
    assert value(metrics, "transactions_total") >= 5 and value(metrics, "checkpoints_total") >= 1
    assert value(metrics, "backfill_rows", **items) == value(metrics, "backfill_estimated_rows", **items) == 1000
    assert value(metrics, "backfill_running", **items) == 0
    assert value(metrics, "backfill_chunk_seconds_count") >= 1 and value(metrics, "backfill_chunk_seconds_sum") > 0
    assert value(metrics, "slot_wal_status", status="reserved") == 1
    assert value(metrics, "written_lsn_bytes") == value(metrics, "server_lsn_bytes") <= database.position()
    confirmed = database.value("SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))
    assert value(metrics, "acknowledged_lsn_bytes") == confirmed, "nothing was acknowledged"
    assert value(metrics, "unacknowledged_bytes") == value(metrics, "server_lsn_bytes") - confirmed > 0
    version = subprocess.run([executable(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert value(metrics, "info", database=database.name, version=version) == 1
    assert f'_info{{server="127.0.0.1:{database.server.port}",slot="{database.slot}",' in get(process, "/metrics")[1]
    assert value(metrics, "process_resident_memory_bytes") > 1e6 and value(metrics, "process_open_fds") > 3
    checked_by_promtool(get(process, "/metrics")[1])
    assert get(process, "/healthz") == (200, "moving\n")
    assert get(process, "/other")[0] == 404 and get(process, "/metrics", "POST")[0] == 405
    process.stop()


def test_metrics_count_reconnects(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = start(capture(["items"], tail=True)).wait_for_active()
    assert value(scrape(process), "reconnects_total", connection="replication") == 0
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    database.execute("INSERT INTO items VALUES (1)")
    process.wait_for_records(1)
    assert value(scrape(process), "reconnects_total", connection="replication") >= 1
    process.stop()


def is_connected(process):
    return value(scrape(process), "connected", connection="replication")


@pytest.mark.parametrize("frozen", [False, pytest.param(True, marks=pytest.mark.on_request)])
def test_lag_grows_while_the_server_cannot_be_reached(database, capture, frozen):
    """It has nothing to send, before and after."""
    database.execute(f"ALTER DATABASE {database.name} SET wal_sender_timeout = '2s'", "CREATE TABLE items (id int PRIMARY KEY)")
    with Proxy(database.server.port) as proxy:
        process = start(capture(["items"], tail=True, port=proxy.port)).wait_for_active()
        wait_for_metric(process, lambda now: value(now, "lag_seconds") == 0 and value(now, "connected", connection="replication") == 1)
        if frozen:
            proxy.freeze(later=True)
        else:
            proxy.lead_to(free_port())
        process.wait_for(lambda run: "replication interrupted" in run.stderr)
        begun = time.monotonic()
        wait_for_metric(process, lambda now: value(now, "lag_seconds") >= 2)
        assert time.monotonic() - begun > 1.5 and is_connected(process) == 0
        assert value(scrape(process), "lag_seconds") < time.monotonic() - begun + 1
        proxy.frozen = False
        proxy.lead_to(database.server.port)
        wait_for_metric(process, lambda now: value(now, "lag_seconds") == 0 and value(now, "connected", connection="replication") == 1)
        process.stop()


def test_a_capture_that_waits_to_begin_is_alive(database, capture):
    """Slot creation waits for every transaction that writes."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    one = capture(["items"], tail=True)
    other = database.connect()
    with other.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO items VALUES (1)")
        process = start(one)
        assert get(process, "/healthz") == (200, "starting\n")
        assert value(scrape(process), "moving") == 1
        cursor.execute("COMMIT")
    other.close()
    process.wait_for_records(1)
    process.stop()


def test_a_capture_whose_output_is_not_read_is_blocked(database, capture, preload):
    """A minute, by the clock of the thread that answers, which runs 30 times as fast."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, t text)")
    process = start(capture(["items"], tail=True), LD_PRELOAD=preload("fast_clock"), CLOCK_SPEED="30",
                    CLOCK_THREAD="MHD-single").wait_for_active()
    assert get(process, "/healthz") == (200, "moving\n")
    process.reading.clear()
    database.execute("INSERT INTO items SELECT n, repeat('x', 1000) FROM generate_series(1, 60000) n")
    process.wait_for(lambda run: get(run, "/healthz")[0] == 503)
    assert get(process, "/healthz")[1].startswith("blocked: nobody reads standard output")
    metrics = scrape(process)
    lag = value(metrics, "lag_seconds")
    assert value(metrics, "moving") == 0 and lag > 0
    wait_for_metric(process, lambda now: value(now, "lag_seconds") > lag + 1)
    process.reading.set()
    process.wait_for_records(60000).stop()


def test_the_file_has_the_same(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 100)")
    path = tmp_path / "capture.prom"
    one = capture(["items"])
    run("read", *one.arguments(), "--metrics-file", str(path)).succeed()
    text = path.read_text(encoding="utf-8")
    assert value(parse(text), "records_total", schema="public", table="items", path="backfill") == 100
    assert (value(parse(text), "running"), value(parse(text), "moving")) == (0, 0)
    checked_by_promtool(text)
    assert os.listdir(tmp_path) == [path.name] or sorted(os.listdir(tmp_path)) == ["capture.prom", "capture0"]


def file_of(tmp_path):
    return parse((tmp_path / "capture.prom").read_text(encoding="utf-8"))


def start_with_file(one, tmp_path, **variables):
    process = one.start(METRICS_FILE=str(tmp_path / "capture.prom"), METRICS_LISTEN="0", **variables)
    process.wait_for_active()
    assert value(scrape(process), "running") == value(file_of(tmp_path), "running") == 1
    return process


def test_the_file_says_that_a_capture_was_stopped(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    start_with_file(capture(["items"], tail=True), tmp_path).stop()
    assert (value(file_of(tmp_path), "running"), value(file_of(tmp_path), "moving")) == (0, 0)


def test_the_file_says_that_a_capture_has_failed(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = start_with_file(capture(["items"], tail=True), tmp_path)
    database.execute(f"DROP PUBLICATION {database.publication}", "INSERT INTO items VALUES (1)")
    assert process.finish().process.returncode == 1
    assert (value(file_of(tmp_path), "running"), value(file_of(tmp_path), "moving")) == (0, 0)


def test_the_file_says_that_a_capture_ended_without_what_nobody_read(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = start_with_file(capture(["items"], tail=True), tmp_path)
    process.reading.clear()
    database.execute("INSERT INTO items SELECT generate_series(1, 20000)")
    process.wait_for(lambda run: "waiting for the consumer" in run.stderr)
    process.process.terminate()
    process.process.wait(30 * PATIENCE)
    process.reading.set()
    process.finish()
    assert "standard output is not read: stopped without it" in process.stderr
    assert (value(file_of(tmp_path), "running"), value(file_of(tmp_path), "moving")) == (0, 0)


def test_the_file_says_that_a_capture_has_not_begun(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = run("read", *capture(["items"]).arguments(), METRICS_FILE=str(tmp_path / "capture.prom"), METRICS_LISTEN="192.0.2.1:9187")
    assert process.process.returncode == 1
    assert value(file_of(tmp_path), "running") == 0


@pytest.mark.parametrize("path, variable", [("/nowhere/capture.prom", False), ("/proc/capture.prom", True), ("{}", False)])
def test_a_file_that_can_never_be_written_is_an_error_at_the_start(database, capture, tmp_path, path, variable):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    path = path.format(tmp_path)
    option, variables = ([], {"METRICS_FILE": path}) if variable else (["--metrics-file", path], {})
    process = run("read", *capture(["items"]).arguments(), *option, **variables)
    assert process.process.returncode == 1 and f"cannot write the metrics to {path}" in process.stderr
    assert "name a file in a directory where the user may write" in process.stderr
    assert database.query("SELECT FROM pg_replication_slots WHERE database = current_database()") == database.query("SELECT FROM pg_publication") == []


def test_a_file_that_cannot_be_written_later_ends_no_capture(database, capture, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    place = tmp_path / "metrics"
    place.mkdir()
    process = capture(["items"], tail=True).start(METRICS_FILE=str(place / "capture.prom")).wait_for_active()
    shutil.rmtree(place)
    database.execute("INSERT INTO items VALUES (1)")
    process.wait_for_records(1)
    process.stop()
    assert "WARN: cannot write the metrics to" in process.stderr


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "192.0.2.1:9187"])
def test_an_address_that_cannot_be_used_is_an_error(database, capture, address):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = run("read", *capture(["items"]).arguments(), "--metrics-listen", address)
    assert process.process.returncode == 1 and address in process.stderr and "metrics cannot be served" in process.stderr


def test_no_port_is_open_unless_asked_for(database, capture):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    process = capture(["items"], tail=True).start().wait_for_active()
    listening = subprocess.run(["ss", "-Hltnp"], check=False, capture_output=True, text=True, timeout=10) if shutil.which("ss") else None
    assert "metrics are at" not in process.stderr
    assert not listening or f"pid={process.process.pid}," not in listening.stdout
    process.stop()
