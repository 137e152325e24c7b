"""A capture exposes the metrics that docs/monitoring uses: by name, with their labels."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector import PATIENCE
from server import free_port
from test_metrics import checked_by_promtool, get, scrape, start, value, wait_for_metric

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
MONITORING = os.path.join(ROOT, "docs", "monitoring")

# Metrics that not every capture has: the page says of each what it depends on.
CONDITIONAL = {"source_postgres_heartbeat_lag_seconds": "heartbeat_seconds",
               "source_postgres_slot_safe_wal_bytes": "max_slot_wal_keep_size"}


def content(name):
    with open(os.path.join(MONITORING, name), encoding="utf-8") as file:
        return file.read()


def named_metrics(text):
    return set(re.findall(r"\b(?:source_postgres|process)_[a-z_]+", text))


def labels_by_metric(text):
    return {sample.name: set(sample.labels) for family in text_string_to_metric_families(text) for sample in family.samples}


@contextmanager
def limit_of_kept_wal(database):
    """A server that limits the WAL of a slot says how much is left; PostgreSQL 13 and newer."""
    try:
        database.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '4GB'", "SELECT pg_reload_conf()")
        yield
    finally:
        database.execute("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")


def scrape_of_a_capture(database, capture, wanted=(), **advanced):
    """The text, once it has `wanted`."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 1000)", "ANALYZE items")
    process = start(capture(["items"], tail=True, advanced={"check_interval": "100ms", **advanced})).wait_for_active()
    process.wait_for(lambda run: set(wanted) <= labels_by_metric(get(run, "/metrics")[1]).keys())
    text = get(process, "/metrics")[1]
    process.stop()
    return text


@pytest.mark.since(13)
def test_a_capture_exposes_all_that_dashboard_and_alerts_name(database, capture):
    named = named_metrics(content("grafana.json")) | named_metrics(content("alerts.yml"))
    assert len(named) > 15
    with limit_of_kept_wal(database):
        text = scrape_of_a_capture(database, capture, wanted={"source_postgres_slot_retained_wal_bytes", *CONDITIONAL}, heartbeat_seconds=1)
    assert named <= labels_by_metric(text).keys(), named - labels_by_metric(text).keys()
    checked_by_promtool(text)


@pytest.mark.since(13)
def test_what_not_every_capture_exposes_is_documented(database, capture):
    named = named_metrics(content("grafana.json")) | named_metrics(content("alerts.yml"))
    text = scrape_of_a_capture(database, capture, wanted={"source_postgres_slot_retained_wal_bytes"})
    assert named - labels_by_metric(text).keys() == set(CONDITIONAL)
    with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for metric, condition in CONDITIONAL.items():
        short = metric.removeprefix("source_postgres_")
        assert any(f"`{short}`" in line and f"`{condition}`" in line for line in lines), metric


def test_how_old_metrics_may_be_is_documented():
    with open(os.path.join(ROOT, "src", "main", "exporter.c"), encoding="utf-8") as file:
        source = file.read()
    with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        page = file.read()
    for interval in ("SLOT_INTERVAL_US", "FILE_INTERVAL_US"):
        assert f"up to {re.search(interval + ' = ([0-9]+) [*] 1000 [*] 1000', source)[1]} seconds" in page, interval


@pytest.mark.since(13)
def test_the_alerts_and_legends_use_labels_that_there_are(database, capture):
    """A query for a label that a metric lacks gives nothing, and no error."""
    with limit_of_kept_wal(database):
        labels = labels_by_metric(scrape_of_a_capture(
            database, capture, wanted={"source_postgres_slot_safe_wal_bytes", "source_postgres_heartbeat_lag_seconds"}, heartbeat_seconds=1))
    alerts = [(rule, set(re.findall(r"\$labels\.(\w+)", rule))) for rule in re.split(r"(?m)^ +- alert: ", content("alerts.yml"))[1:]]
    targets = [target for panel in json.loads(content("grafana.json"))["panels"] for target in panel["targets"]]
    legends = [(target["expr"], set(re.findall(r"{{(\w+)}}", target["legendFormat"]))) for target in targets]
    assert len(alerts) >= 8 and len(legends) >= 15
    for text, used in alerts + legends:
        for metric in named_metrics(text):
            assert used <= labels[metric] | {"instance", "job"}, text
    for metric, used in re.findall(r"(source_postgres_\w+){([^}]*)}", content("alerts_test.yml")):
        assert set(re.findall(r"(\w+)=", used)) == labels[metric] | {"instance"}, f"{metric} of the alerts' own test"


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool, of Debian's package prometheus")
def test_promtool_takes_the_alerts_and_they_fire():
    for check in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ended = subprocess.run(["promtool", *check], cwd=MONITORING, check=False, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_dashboard_is_whole():
    with open(os.path.join(ROOT, "docs", "monitoring", "grafana.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    assert dashboard["title"] and dashboard["schemaVersion"] >= 30 and dashboard["uid"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) >= 8
    cells = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not own & cells, panel["title"]
        cells |= own
        assert panel["title"] and all(target["expr"] for target in panel["targets"])
        assert panel["datasource"]["uid"] == "${datasource}"


@pytest.fixture(name="prometheus")
def prometheus_that_scrapes(tmp_path):
    """prometheus(url): a server that scrapes it each half second; query(expression) -> the samples now."""
    started = []

    def start_one(target):
        port = free_port()
        (tmp_path / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "500ms"},
            "scrape_configs": [{"job_name": "capture", "static_configs": [{"targets": [target]}]}]}), encoding="utf-8")
        started.append(subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def query(expression):
            url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return json.load(answer)["data"]["result"]
            except urllib.error.HTTPError as error:
                if error.code == 503:
                    return []  # it is starting
                raise AssertionError(f"{expression}: {error.read()}") from error
            except urllib.error.URLError:
                return []

        return query

    yield start_one
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs prometheus")
def test_prometheus_answers_what_the_dashboard_asks(database, capture, prometheus):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items SELECT generate_series(1, 1000)", "ANALYZE items")
    process = start(capture(["items"], tail=True, advanced={"check_interval": "100ms", "heartbeat_seconds": 1})).wait_for_active()
    wait_for_metric(process, lambda now: value(now, "slot_retained_wal_bytes") is not None)
    query = prometheus(re.search(r"http://(127\.0\.0\.1:\d+)/", process.stderr)[1])
    process.wait_for(lambda run: query("rate(source_postgres_transactions_total[30s])"))
    with open(os.path.join(ROOT, "docs", "monitoring", "grafana.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    for panel in panels:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "30s").replace("$instance", ".*").replace("$slot", ".*")
            nothing_now = panel["title"] in ("WAL until the slot is lost", "Backfill by table")  # no limit, no backfill
            assert query(expression) or nothing_now, panel["title"]
    process.stop()


@pytest.mark.skipif(not shutil.which("prometheus-node-exporter"), reason="needs prometheus-node-exporter")
def test_several_captures_share_a_node_exporter(database, capture, tmp_path):
    """It refuses a metric that two files have with the same labels, or that it has itself with another description."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    directory = tmp_path / "metrics"
    directory.mkdir()
    for name in ("one", "two"):
        capture(["items"], slot_name=f"{database.slot}_{name}").start(METRICS_FILE=str(directory / f"{name}.prom")).succeed()
    port = free_port()
    exporter = subprocess.Popen(
        ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={directory}",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        text = wait_for_page(f"http://127.0.0.1:{port}/metrics")
    finally:
        exporter.kill()
        exporter.wait()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert [sample.value for sample in samples if sample.name == "node_textfile_scrape_error"] == [0]
    for metric, own in (("source_postgres_running", 0), ("process_resident_memory_bytes", 1), ("source_postgres_records_total", 0)):
        slots = {sample.labels.get("slot", "") for sample in samples if sample.name == metric}
        assert slots == {f"{database.slot}_one", f"{database.slot}_two"} | ({""} if own else set()), metric


def wait_for_page(url):
    until = time.monotonic() + 10 * PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except urllib.error.URLError:
            assert time.monotonic() < until, url
            time.sleep(0.1)
