"""A destination by the rules of Airbyte's own, append and dedup: of the records of a key the one with the newest cursor
counts, and a row whose newest record has `_ab_cdc_deleted_at` is gone. Compared with the table.
"""

import datetime
import json
import re

from capture import stream
from connector import run
from database import table_rows
from values import INTEGERS, SPECIAL, expected_value

CURSOR, UPDATED, DELETED = "_ab_cdc_lsn", "_ab_cdc_updated_at", "_ab_cdc_deleted_at"
OWN = (CURSOR, UPDATED, DELETED, "_meta")
SHOWN = 5


def discovered(one, *tables, columns=None, **more):
    """Configured streams of these tables as `discover` proposes them; `columns`: only these, and the fields that are
    not columns."""
    process = run("discover", "--config", one.path("discover.json", one.config)).succeed()
    proposed = {each["name"]: each for each in process.of_type("CATALOG")[0]["catalog"]["streams"]}
    streams = []
    for table in tables:
        properties = proposed[table]["json_schema"]["properties"]
        if columns is not None:
            proposed[table]["json_schema"]["properties"] = {
                name: schema for name, schema in properties.items() if name in columns or name in OWN[:3]}
        streams.append(stream(table, **{"destination_sync_mode": "append_dedup", "cursor_field": [CURSOR], **more}))
        streams[-1]["stream"] = proposed[table]
    return streams


class Destination:
    """One table. Records come in the order in which they were sent; what was sent again may repeat older ones."""

    def __init__(self, table, key):
        self.table, self.key = table, list(key)
        self.newest = {}
        self.violations = []
        self.count = 0

    def apply(self, record):
        data = record["data"]
        self.count += 1
        key = json.dumps([data[name] for name in self.key])
        before = self.newest.get(key)
        if before and before[CURSOR] == data[CURSOR] and without_time(before) != without_time(data):
            self.violations.append(f"two records of one cursor: {json.dumps(before)}, {json.dumps(data)}")
        if not before or before[CURSOR] <= data[CURSOR]:
            self.newest[key] = data

    def rows(self):
        return {key: {name: value for name, value in data.items() if name not in OWN}
                for key, data in self.newest.items() if data[DELETED] is None}

    def differences(self, database):
        columns, rows = table_rows(database, "public", self.table)
        expected = {}
        for texts in rows:
            row = {name: expected_airbyte(type_name, text) for (name, type_name), text in zip(columns, texts)}
            expected[json.dumps([row[name] for name in self.key])] = row
        own = self.rows()
        return (self.violations +
                [f"missing row: {json.dumps(expected[key])}" for key in expected.keys() - own.keys()] +
                [f"row that the table has not: {json.dumps(self.newest[key])}" for key in own.keys() - expected.keys()] +
                [f"different: record {json.dumps(own[key])}, table {json.dumps(row)}"
                 for key, row in expected.items() if key in own and own[key] != row])

    def assert_equal(self, database, note=""):
        found = self.differences(database)
        shown = "\n  ".join(found[:SHOWN])
        assert not found, f"{note}{self.table}: {len(found)} differences after {self.count} records, first:\n  {shown}"


def without_time(data):
    """A backfilled row that is sent again is sent at another time."""
    return {name: value for name, value in data.items() if name not in (UPDATED, "_meta")}


def assert_grow(records, key):
    """The cursors of each key, in the order of its records."""
    last = {}
    for record in records:
        data = record["data"]
        of = (record["stream"], json.dumps([data[name] for name in key]))
        assert data[CURSOR] > last.get(of, 0), f"{last[of]} before {json.dumps(data)}"
        last[of] = data[CURSOR]


def expected_airbyte(type_name, text):
    """The value table of this look, read a second time: from PostgreSQL's text."""
    if text is None or type_name in INTEGERS:
        return expected_value(type_name, text)
    if type_name in ("numeric", "real", "double precision"):
        return None if text in SPECIAL else json.loads(text)
    if type_name in ("json", "jsonb"):
        return text
    if type_name == "time without time zone":
        return None if text.startswith("24") else text
    if type_name == "time with time zone":
        zoned = text if re.search(r"[+-]\d\d:\d\d(:\d\d)?$", text) else text + ":00"
        return None if text.startswith("24") or re.search(r"[+-]\d\d:\d\d:\d\d$", zoned) else zoned
    if type_name == "date" or type_name.startswith("timestamp"):
        value = expected_value(type_name, text)
        held = re.match(r"\d{4}-", text) and "BC" not in text
        return None if not held else value.removesuffix("Z") if type_name.endswith("without time zone") else value
    return expected_value(type_name, text)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
