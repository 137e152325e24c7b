"""What a reader of the records would believe, held against what the table says.

A table is materialised from its records alone: a create must find nothing under its key, an update and a
delete must find something. At the end the materialised rows must be the table's rows. Every record that
breaks a rule is kept, so that a failure shows it.
"""

import json

from database import table_rows
from values import expected_row

SHOWN = 5


class Oracle:
    """Materialises one table. `key` names the columns of its key as the capture was told."""

    def __init__(self, namespace, table, key):
        self.namespace, self.table, self.key = namespace, table, list(key)
        self.rows = {}
        self.last_loc = {}
        self.backfilled = set()
        self.count = 0
        self.violations = []

    def apply(self, record):
        """`record` is the inner object of a RECORD message."""
        self.count += 1
        data = {name: value for name, value in record["data"].items() if name != "_meta"}
        meta = record["data"]["_meta"]
        key = self.key_of(data)
        present = key in self.rows
        operation = meta["op"]
        if operation == "c" and present:
            self.report("a create of a row that is already there", record)
        elif operation in ("u", "d") and not present:
            self.report(f"{operation!r} of a row that is not there", record)
        elif operation not in ("c", "u", "d"):
            self.report("an unknown operation", record)
        self.check_order(key, meta, record)
        if operation == "d":
            self.rows.pop(key, None)
        else:  # a value that the update left alone may be absent
            self.rows[key] = {**self.rows.get(key, {}), **data} if operation == "u" else data

    def check_order(self, key, meta, record):
        """The changes of one key come in the order of their commits, and no row is numbered twice."""
        loc = meta["source"]["loc"]
        if loc < self.last_loc.get(key, [-2, 0, 0]):
            self.report("an older change after a newer one", record)
        self.last_loc[key] = loc
        if meta["source"].get("snapshot"):
            if loc[0] != -1 or loc[2] != 0 or loc[1] in self.backfilled:
                self.report("the number of a backfilled row is not its own", record)
            self.backfilled.add(loc[1])

    def key_of(self, data):
        return json.dumps([comparable(data.get(name)) for name in self.key], sort_keys=True)

    def report(self, what, record):
        self.violations.append(f"{what}: {json.dumps(record)}")

    def expected(self, database):
        """The table's own rows by key."""
        columns, rows = table_rows(database, self.namespace, self.table)
        expected = [expected_row(columns, texts) for texts in rows]
        return {self.key_of(row): row for row in expected}

    def fill_absent(self, database, column):
        """A row that moved to another key comes without its unchanged TOAST value: take it from the table."""
        expected = self.expected(database)
        for key, row in self.rows.items():
            if column not in row and key in expected:
                row[column] = expected[key][column]

    def differences(self, database):
        """Every way in which the records do not add up to the table; empty when they do."""
        expected = self.expected(database)
        found = list(self.violations)
        found += [f"missing row: {json.dumps(expected[key])}" for key in expected.keys() - self.rows.keys()]
        found += [f"row that the table has not: {json.dumps(self.rows[key])}"
                  for key in self.rows.keys() - expected.keys()]
        found += [f"different: record {json.dumps(self.rows[key])}, table {json.dumps(row)}"
                  for key, row in expected.items() if key in self.rows and self.rows[key] != row]
        return found


def comparable(value):
    """0 and 0.0 are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Materialised:
    """All captured tables of a test, fed with a capture's records."""

    def __init__(self, streams):
        """`streams`: (namespace, table) -> names of the key's columns."""
        self.oracles = {name: Oracle(*name, key) for name, key in streams.items()}

    def apply(self, records):
        for record in records:
            self.oracles[record["namespace"], record["stream"]].apply(record)

    def assert_equal(self, database, note=""):
        for (namespace, table), oracle in self.oracles.items():
            found = oracle.differences(database)
            shown = "\n  ".join(found[:SHOWN])
            assert not found, (f"{note}{namespace}.{table}: {len(found)} differences after {oracle.count} "
                               f"records, the first of them:\n  {shown}")
