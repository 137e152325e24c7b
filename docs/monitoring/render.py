#!/usr/bin/python3
"""Draws grafana.json into dashboard.png, without Grafana: every query of it is asked of a real Prometheus.

That one scrapes, each second, a capture from a throwaway PostgreSQL: a backfill, changes, a consumer that stops reading
for a while, a connection that breaks. Needs Debian's prometheus, python3-matplotlib and what tests/system needs;
SOURCE_POSTGRES names the executable. All of it is on loopback, in temporary directories, and ends after two minutes.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from datetime import datetime
from math import ceil, isfinite, log2

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.dates import DateFormatter  # noqa: E402
from matplotlib.ticker import MultipleLocator  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "system"))

from capture import Capture  # noqa: E402
from database import Database  # noqa: E402
from server import Server, free_port  # noqa: E402

TABLES = {"orders": 400_000, "customers": 100_000, "invoices": 60_000}
SECONDS = {"backfill": 30, "live": 20, "stalled": 30, "after": 25}
WINDOW = "5s"  # what Grafana makes of $__rate_interval at a scrape each second, roughly
COLOURS = {"green": "#56a64b", "yellow": "#d9af27", "red": "#c4162a", "blue": "#3274d9"}


class Prometheus:
    def __init__(self, directory, target):
        self.url = f"http://127.0.0.1:{free_port()}"
        with open(f"{directory}/prometheus.yml", "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "1s"},
                       "scrape_configs": [{"job_name": "capture", "static_configs": [{"targets": [target]}]}]}, file)
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/tsdb",
             f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=error"])

    def query_range(self, expression, start, end):
        """[(labels, times, values)] of each second."""
        expression = expression.replace("$__rate_interval", WINDOW).replace("$instance", ".*").replace("$slot", ".*")
        arguments = urllib.parse.urlencode({"query": expression, "start": start, "end": end, "step": 1})
        with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{arguments}", timeout=10) as answer:
            series = json.load(answer)["data"]["result"]
        return [(one["metric"], *zip(*((datetime.fromtimestamp(at), float(value)) for at, value in one["values"])))
                for one in series]


def change_rows(database, stopping):
    connection = database.connect()
    number = 0
    with connection.cursor() as cursor:
        while not stopping.wait(0.01):
            number += 1
            cursor.execute("UPDATE customers SET t = repeat(%s, 20) WHERE id <= %s", (str(number), 1 + number % 20))
            cursor.execute("INSERT INTO orders SELECT 1000000 + %s, repeat('n', 2000)", (number,))
    connection.close()


def let_things_happen(database, process, pause):
    pause(SECONDS["backfill"] + SECONDS["live"])
    process.reading.clear()
    database.execute("INSERT INTO invoices SELECT g, repeat('late ', 50) FROM generate_series(1000000, 1100000) g")
    pause(SECONDS["stalled"])
    process.reading.set()
    pause(SECONDS["after"] / 2)
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    pause(SECONDS["after"] / 2)


def capture_and_scrape(directory, draw):
    """Calls draw(prometheus, start, end) while the server with the scraped values still runs."""
    with Server(lifetime_s=400, max_slot_wal_keep_size="4GB") as server:
        database = Database(server)
        for table, rows in TABLES.items():
            database.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, t text)",
                             f"INSERT INTO {table} SELECT g, repeat('some text ', 20) FROM generate_series(1, {rows}) g",
                             f"ANALYZE {table}")
        capture = Capture(database, directory, list(TABLES), tail=True, advanced={
            "check_interval": "1s", "heartbeat_seconds": 1, "backfill_mb_per_second": 5, "backfill_chunk_size": 5000})
        capture.state = []  # the file is looked at each second: what is in it is acknowledged
        stopping = threading.Event()

        def keep_state(message):
            if message["type"] == "STATE":
                with open(f"{directory}/new", "w", encoding="utf-8") as file:
                    json.dump([message["state"]], file)
                os.rename(f"{directory}/new", f"{directory}/state.json")

        process = capture.start(METRICS_LISTEN="0", consumer=keep_state)
        process.wait_for(lambda run: "metrics are at" in run.stderr)
        prometheus = Prometheus(directory, re.search(r"http://(127\.0\.0\.1:\d+)/", process.stderr)[1])
        writer = threading.Thread(target=change_rows, args=(database, stopping))
        writer.start()
        try:
            start = time.time() + 3
            let_things_happen(database, process, time.sleep)
            draw(prometheus, start, time.time() - 1)
        finally:
            stopping.set()
            writer.join()
            prometheus.process.kill()
            prometheus.process.wait()
            process.kill()
            print(process.stderr, file=sys.stderr)


# How Grafana writes values.


def scaled(value, base, units):
    power = 0
    while abs(value) >= base and power < len(units) - 1:
        value, power = value / base, power + 1
    return f"{value:.3g} {units[power]}".strip() if abs(value) < 1000 else f"{value:.0f} {units[power]}"


def written(value, unit):
    if unit == "bytes":
        return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"])
    if unit == "binBps":
        return scaled(value, 1024, ["B/s", "KiB/s", "MiB/s", "GiB/s"])
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1e3:.3g} ms"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    suffix = unit.removeprefix("count:").replace("none", "")
    return scaled(value, 1000, [suffix, f"K {suffix}", f"M {suffix}"])


def draw_stat(axes, panel, series):
    defaults = panel["fieldConfig"]["defaults"]
    axes.set_axis_off()
    text, colour = defaults.get("noValue", "No data"), "#22252b"
    if series:
        value = series[0][2][-1]
        names = [mapping["options"] for mapping in defaults.get("mappings", [])]
        text = next((one[f"{value:g}"]["text"] for one in names if f"{value:g}" in one), written(value, defaults["unit"]))
        colour = COLOURS[[step["color"] for step in defaults["thresholds"]["steps"]
                          if step["value"] is None or step["value"] <= value][-1]]
    axes.add_patch(plt.Rectangle((0, 0), 1, 1, color=colour, transform=axes.transAxes))
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=20, color="white", transform=axes.transAxes)


def draw_lines(axes, panel, series, span):
    axes.set_facecolor("#181b1f")
    for name, times, values in series:
        axes.plot(times, values, label=name, linewidth=1.2, marker="." if len(times) < 3 else None)
    axes.set_xlim(*span)
    defaults = panel["fieldConfig"]["defaults"]
    finite = [(name, [one for one in values if isfinite(one)] or [0]) for name, _, values in series]
    top = max((max(values) for *_, values in finite), default=0)
    axes.set_ylim(0, defaults.get("max") or top * 1.05 or 1)
    if defaults["unit"] in ("bytes", "binBps") and top:
        axes.yaxis.set_major_locator(MultipleLocator(2 ** ceil(log2(top / 6))))
    axes.xaxis.set_major_formatter(DateFormatter("%M:%S"))
    axes.yaxis.set_major_formatter(lambda value, _: written(value, panel["fieldConfig"]["defaults"]["unit"]))
    axes.grid(color="#2c3235")
    if series:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncol=3, fontsize=7, frameon=False, labelcolor="#ccccdc")
    else:
        axes.text(0.5, 0.5, defaults.get("noValue", "No data"), ha="center", color="#ccccdc", transform=axes.transAxes)


def legend(target, labels):
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), target["legendFormat"])


def draw_dashboard(prometheus, start, end):
    with open(os.path.join(HERE, "grafana.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = plt.figure(figsize=(15, height * 0.42), facecolor="#111217")
    plt.rcParams.update({"xtick.color": "#ccccdc", "ytick.color": "#ccccdc", "font.size": 8})
    for panel in panels:
        place = panel["gridPos"]
        stat = panel["type"] == "stat"
        left, right = (0.1, 0.1) if stat else (1.3, 0.3)
        below, above = (0.2, 0.9) if stat else (1.5, 0.9)
        axes = figure.add_axes([(place["x"] + left) / 24, 1 - (place["y"] + place["h"] - below) / height,
                                (place["w"] - left - right) / 24, (place["h"] - below - above) / height])
        axes.set_title(panel["title"], color="#ccccdc", fontsize=10, loc="left")
        series = [(legend(target, labels), times, values) for target in panel["targets"]
                  for labels, times, values in prometheus.query_range(target["expr"], start, end)]
        if stat:
            draw_stat(axes, panel, series)
        else:
            draw_lines(axes, panel, series, (datetime.fromtimestamp(start), datetime.fromtimestamp(end)))
    figure.savefig(os.path.join(HERE, "dashboard.png"), dpi=75, facecolor=figure.get_facecolor())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="source-postgres-dashboard-") as temporary:
        capture_and_scrape(temporary, draw_dashboard)
