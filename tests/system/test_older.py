"""The plain look is the same, byte for byte, as another build's output for the same rows and changes: OLDER names its
executable, and without it nothing is tested. Skipped too where that build cannot take part.
"""

import json
import os
import re

import pytest

from test_property import random_tables_of_random_types  # noqa: F401

OLDER = os.environ.get("OLDER")
TIMES = re.compile(rb'"emitted_at":\d+')
LAST_COMMIT = re.compile(rb'"loc":\[\d+,')  # before the first change: the captures began at different positions


def records(one, path):
    """One run: its lines of records. The state goes to the capture."""
    with open(path, "wb") as out:
        one.start(stdout=out).succeed()
    lines = path.read_bytes().split(b"\n")
    one.state = [json.loads(line)["state"] for line in lines if line.startswith(b'{"type":"STATE"')][-1:]
    return [TIMES.sub(b'"emitted_at":0', line) for line in lines if line.startswith(b'{"type":"RECORD"')]


@pytest.mark.skipif(not OLDER, reason="OLDER names no executable")
def test_the_plain_look_is_that_of_an_older_build(database, capture, tables, tmp_path, monkeypatch):
    database.execute("CREATE TABLE keyless (a text, b int)", "ALTER TABLE keyless REPLICA IDENTITY FULL",
                     "CREATE TABLE keyed (a int, b text, c text, PRIMARY KEY (a, b))",
                     "INSERT INTO keyless SELECT n::text, n FROM generate_series(1, 100) n",
                     "INSERT INTO keyed SELECT n, n, repeat('x', n * 100) FROM generate_series(1, 100) n")
    names = [table.name for table in tables] + ["keyless", "keyed"]
    newer, older = capture(names), capture(names, slot_name=database.slot + "_older")

    def both(name):
        ours = records(newer, tmp_path / f"newer {name}")
        with monkeypatch.context() as patch:
            patch.setenv("SOURCE_POSTGRES", OLDER)
            return ours, records(older, tmp_path / f"older {name}")

    try:
        ours, theirs = both("rows")
        assert sorted(ours) == sorted(theirs) and len(ours) > 200
        for name in names[:-2]:
            database.execute(f"UPDATE {name} SET id = id", f"UPDATE {name} SET id = -id", f"DELETE FROM {name}")
        database.execute("UPDATE keyless SET b = b + 1", "DELETE FROM keyless WHERE b % 2 = 0",
                         "UPDATE keyed SET c = 'short' WHERE a < 10", "UPDATE keyed SET a = a + 1000, c = c || 'y' WHERE a > 50",
                         "DELETE FROM keyed WHERE a % 3 = 0")
        ours, theirs = both("changes")
        print(f"{len(ours)} records of changes")
        assert without_start(ours) == without_start(theirs) and len(ours) > 200
    finally:
        newer.kill_all()
        older.kill_all()
        database.execute(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{database.slot}_older'")


def without_start(lines):
    """The previous commit, in the first transaction's records."""
    first = b'"txid":%d,' % json.loads(lines[0])["record"]["data"]["_meta"]["source"]["txid"]
    return [LAST_COMMIT.sub(b'"loc":[', line) if first in line.replace(b"}", b",") else line for line in lines]
