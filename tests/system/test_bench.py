"""The measuring program: it measures, and says what it measured. Its figures are judged by nobody here."""

import json
import os
import subprocess
import xml.etree.ElementTree

from connector import PATIENCE, executable

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def test_what_is_measured_is_reported(tmp_path):
    subprocess.run([os.path.join(ROOT, "bench", "run"), "--scale", "tiny", "--rounds", "1", "--transport", "socket",
                    "--only", "backfill.narrow", "--only", "replication.B1", "--output", str(tmp_path)],
                   env={**os.environ, "SOURCE_POSTGRES": executable()}, check=True, timeout=100 * PATIENCE,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    ours = [each for each in results if each["reader"].startswith("source-postgres")]
    assert {each["subject"] for each in ours} == {"backfill.narrow", "replication.B1"}
    flow = [each for each in ours if "Flow by" in each["reader"]]
    assert len(flow) == 4 and all(each["consumer_cpu_s_per_million"] > 0 for each in flow)
    assert all(each["units"] > 0 and each["wall_s"] > 0 and each["ratio"] > 0 for each in results)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "### backfill.narrow" in text and "psql COPY text" in text and "pg_recvlogical" in text
    assert text.count("the Airbyte look takes") == 2
    assert xml.etree.ElementTree.parse(tmp_path / "chart.svg").getroot().tag.endswith("svg")
