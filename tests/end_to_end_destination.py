"""The destination of the end-to-end test: tables in SQLite, kept by key, and beside them the state that they are at."""

import json
import sqlite3

from end_to_end_source import TABLES

NUMBERS = {"amount": "amount NUMERIC"}  # a string in Flow's documents, a number in Airbyte's


class Destination:
    def __init__(self):
        self.sqlite = sqlite3.connect(":memory:", isolation_level=None)
        for table, columns in TABLES.items():
            key, *others = columns
            self.sqlite.execute(f"CREATE TABLE {table} ({key} PRIMARY KEY, {', '.join(NUMBERS.get(name, name) for name in others)})")
        self.sqlite.execute("CREATE TABLE state (state)")
        self.sqlite.execute("INSERT INTO state VALUES ('null')")
        self.counts = {"c": 0, "u": 0, "d": 0}

    def state(self):
        return json.loads(self.sqlite.execute("SELECT state FROM state").fetchone()[0])

    def commit(self, documents, state):
        """Documents are pairs of a table and what came of it."""
        complete = tables_that_are_out(self.state())
        self.sqlite.execute("BEGIN")
        for table, document in documents:
            self.apply(table, document, table in complete)
        self.sqlite.execute("UPDATE state SET state = ?", (json.dumps(state),))
        self.sqlite.execute("COMMIT")

    def apply(self, table, document, complete):
        operation, key = document["_meta"]["op"], next(iter(TABLES[table]))
        row = {name: plain(document[name]) for name in TABLES[table] if name in document}
        try:
            done = self.execute(operation, table, key, row)
        except sqlite3.IntegrityError:
            raise SystemExit(f"a create of a row that is there: {document}") from None
        early = operation == "d" and "_ab_cdc_lsn" in document and not complete  # somebody may have had it from before
        if done.rowcount != 1 and not early:
            raise SystemExit(f"{operation!r} of a row that is not there, or not as it was before: {document}")
        self.counts[operation] += 1

    def execute(self, operation, table, key, row):
        names = list(row)
        if operation == "c":
            return self.sqlite.execute(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", list(row.values()))
        if operation == "u":
            return self.sqlite.execute(
                f"UPDATE {table} SET {', '.join(name + ' = ?' for name in names)} WHERE {key} = ? AND version = ?",
                [*row.values(), row[key], row["version"] - 1])
        return self.sqlite.execute(f"DELETE FROM {table} WHERE {key} = ?", (row[key],))

    def rows(self, table):
        return self.sqlite.execute(f"SELECT {', '.join(TABLES[table])} FROM {table}").fetchall()


def tables_that_are_out(state):
    """Those whose rows have all been written, by Airbyte's global state; None: there is none yet."""
    streams = state["global"]["stream_states"] if state and "global" in state else []
    return {one["stream_descriptor"]["name"] for one in streams if one["stream_state"]["mode"] == "Active"}


def plain(value):
    """As SQLite keeps it. Airbyte's documents have JSON as text: an object, or an array."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        value = json.loads(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return int(value) if isinstance(value, bool) else value
