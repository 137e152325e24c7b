"""MeltanoLabs' tap-postgres, a Singer tap, which writes each row of the tables as a line of JSON to standard output.

capture.py HOST PORT USER DATABASE TABLE,TABLE,…
"""

import json
import os
import subprocess
import sys
import tempfile

TAP = os.path.join(os.path.dirname(sys.executable), "tap-postgres")


def write(directory, name, content):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
    return path


def select(catalog, tables):
    """Of what was discovered, those tables, with all columns."""
    catalog["streams"] = [one for one in catalog["streams"] if one["tap_stream_id"] in {table.replace(".", "-", 1) for table in tables}]
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    return catalog


def main(host, port, user, database, tables):
    tables = tables.split(",")
    with tempfile.TemporaryDirectory() as directory:
        config = write(directory, "config.json", {
            "host": host, "port": int(port), "user": user, "password": os.environ.get("PGPASSWORD", ""), "database": database,
            "filter_schemas": sorted({table.partition(".")[0] for table in tables})})
        found = subprocess.run([TAP, "--config", config, "--discover"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        catalog = write(directory, "catalog.json", select(json.loads(found.stdout), tables))
        subprocess.run([TAP, "--config", config, "--catalog", catalog], check=True, stderr=subprocess.DEVNULL)


main(*sys.argv[1:])
