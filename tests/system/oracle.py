"""Compares what a reader of the records would have with the table.

A table is materialised from its records alone: a create must find nothing under its key, an update and a
delete must find something. At the end the materialised rows must be the table's rows. Every record that
breaks a rule is kept, so that a failure shows it.

A table that is backfilled again begins another life: its backfilled rows are numbered from [-1, 0, 0] again. Its
materialised rows are then forgotten, since all rows come again, and a row that vanished without a record gets no
delete. A test that expects this says how many lives there may be; the default is one. `unreported` holds positions in
the WAL at which something happened that the stream does not report: from there to the end of that life, which must
come, nothing is judged. A position from before the previous life began excuses nothing any more.
"""

import json

from database import table_rows
from values import expected_row

SHOWN = 5
SHOWN_LENGTH = 200


def begins_again(loc, numbers):
    """Whether the backfilled row of this place is the first of another life; `numbers` are those of this life."""
    return loc[0] == -1 and loc[1] == 0 and bool(numbers)


class Oracle:
    """Materialises one table. `key` names the columns of its key as configured, or is a list of such lists, one for
    each life; the last one holds for all that follow. `lives` is the number of lives that the table may have at most;
    None: any."""

    def __init__(self, namespace, table, key, lives=1):
        self.namespace, self.table = namespace, table
        self.keys = [list(one) for one in key] if key and not isinstance(key[0], str) else [list(key)]
        self.lives = lives
        self.life = 1
        self.rows = {}
        self.last_loc = {}
        self.backfilled = set()
        self.count = 0
        self.truncates = 0  # records of them, where they are emitted
        self.unsure = set()  # rows that may be of an earlier life
        self.found = []  # for each broken rule: the life, the position of the commit, and a description
        self.starts = [0]  # of each life: the last position before it
        self.position = 0
        self.unreported = []  # positions at which something happened that the stream does not report
        self.truncations = []  # positions at which the table was truncated, which gives no records
        self.ignores_other_columns = False  # those that the table does not have any more

    @property
    def key(self):
        return self.keys[min(self.life, len(self.keys)) - 1]

    @property
    def violations(self):
        return [what for life, position, what in self.found if not self.is_excused(life, position)]

    def is_excused(self, life, position):
        since = self.starts[max(life - 2, 0)]
        return life < self.life and any(since <= lsn <= position for lsn in self.unreported)

    def apply(self, record):
        """`record` is the inner object of a RECORD message."""
        self.count += 1
        data = {name: value for name, value in record["data"].items() if name != "_meta"}
        meta = record["data"]["_meta"]
        if meta["op"] == "t":
            self.truncate(data, meta, record)
            return
        if begins_again(meta["source"]["loc"], self.backfilled):
            self.begin_life(record)
        elif self.truncates and meta["source"]["loc"][:2] == [-1, 0]:
            self.unsure, self.last_loc = set(self.rows), {}
        key = self.key_of(data)
        present = key in self.rows
        operation = meta["op"]
        if operation == "c" and present and key not in self.unsure and not self.is_truncated(key, meta["source"]["loc"]):
            self.report("a create of a row that is already there", record)
        elif operation in ("u", "d") and not present:
            self.report(f"{operation!r} of a row that is not there", record)
        elif operation not in ("c", "u", "d"):
            self.report("an unknown operation", record)
        self.check_order(key, meta, record)
        self.position = max(self.position, meta["source"]["loc"][2])
        self.unsure.discard(key)
        if operation == "d":
            self.rows.pop(key, None)
        else:  # a value that the update left alone may be absent
            self.rows[key] = {**self.rows.get(key, {}), **data} if operation == "u" else data

    def begin_life(self, record):
        if self.lives is not None and self.life >= self.lives:
            self.report(f"the table is backfilled for the {self.life + 1}. time, and {self.lives} are expected", record)
        self.life += 1
        self.starts.append(self.position)
        self.found = [one for one in self.found if not self.is_excused(*one[:2])]
        self.rows, self.last_loc, self.backfilled, self.unsure = {}, {}, set(), set()

    def truncate(self, data, meta, record):
        """All rows that were out are gone, and another life may begin because of it. Then the first numbered row does
        not show whether the records between the truncate and it are of the old life or of the new one."""
        self.truncates += 1
        self.position = max(self.position, meta["source"]["loc"][2])
        if data or any(loc > meta["source"]["loc"] for loc in self.last_loc.values()):
            self.report("a truncate that has a row, or comes behind a newer change", record)
        self.rows, self.last_loc, self.backfilled, self.unsure = {}, {}, set(), set()

    def is_truncated(self, key, loc=None):
        """Whether the row under this key went with a TRUNCATE: before that of `loc`, if it is given."""
        written = self.last_loc[key][2]
        return any(written <= lsn and (loc is None or lsn <= loc[2]) for lsn in self.truncations)

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
        self.found.append((self.life, record["data"]["_meta"]["source"]["loc"][2], f"{what}: {json.dumps(record)}"))

    def expected(self, database):
        """The table's own rows by key."""
        columns, rows = table_rows(database, self.namespace, self.table)
        expected = [expected_row(columns, texts) for texts in rows]
        return {self.key_of(row): row for row in expected}

    def differences(self, database):
        """Every way in which the records do not add up to the table; empty when they do."""
        expected = self.expected(database)
        if self.ignores_other_columns:
            self.rows = {key: {name: value for name, value in row.items() if name in expected.get(key, row)}
                         for key, row in self.rows.items()}
        found = list(self.violations)
        found += [f"missing row: {json.dumps(expected[key])}" for key in expected.keys() - self.rows.keys()]
        found += [f"row that the table has not: {json.dumps(self.rows[key])}"
                  for key in self.rows.keys() - expected.keys() - self.unsure if not self.is_truncated(key)]
        found += [difference(key, self.rows[key], row)
                  for key, row in expected.items() if key in self.rows and self.rows[key] != row]
        return found


class Versions:
    """Materialises a table without key that is read in ctid order, whatever order its records come in. Each version of
    a row has its own, growing number in the column `v`, and `id` identifies the row; the table's replica identity is
    FULL. Of each row the newest version must be the table's, and no version comes twice in one life."""

    def __init__(self, namespace, table, key="id", lives=None):
        self.namespace, self.table, self.key, self.lives = namespace, table, key, lives
        self.life = 1
        self.count = 0
        self.truncates = 0
        self.numbers = set()
        self.seen = set()  # the versions that came in this life
        self.newest = {}  # row -> (version, row or None once it was deleted)
        self.earlier = set()  # rows without a record since an earlier life: their deletes may not be reported
        self.violations = []
        self.unreported, self.truncations = [], []

    def apply(self, record):
        self.count += 1
        data = {name: value for name, value in record["data"].items() if name != "_meta"}
        meta = record["data"]["_meta"]
        loc = meta["source"]["loc"]
        if begins_again(loc, self.numbers):
            self.begin_life(record)
        elif loc[:2] == [-1, 0] and self.lives != 1:
            self.forget()  # a life of which no row had come may have ended: what came then were changes
        if meta["op"] == "t":
            self.truncates += 1
            self.newest = {row: (known[0], None) for row, known in self.newest.items()}
            return
        if loc[0] == -1:
            self.numbers.add(loc[1])
        row, version = data[self.key], data["v"]
        self.earlier.discard(row)
        known = self.newest.get(row, (-1, None))
        if meta["op"] == "d":
            if version >= known[0]:
                self.newest[row] = (version, None)
            return
        if version in self.seen:
            self.violations.append(f"a version of a row comes for the second time: {json.dumps(record)}")
        self.seen.add(version)
        if version > known[0] or (version == known[0] and known[1] is not None):  # the same again may have another shape
            self.newest[row] = (version, data)

    def begin_life(self, record):
        if self.lives is not None and self.life >= self.lives:
            self.violations.append(f"the table is backfilled again, and is not expected to be: {json.dumps(record)}")
        self.life += 1
        self.forget()

    def forget(self):
        self.numbers, self.seen, self.earlier = set(), set(), set(self.newest)

    def left_over(self, database):
        """Rows that the table does not have, and that came only in an earlier life."""
        columns, rows = table_rows(database, self.namespace, self.table)
        there = {expected_row(columns, texts)[self.key] for texts in rows}
        return {row for row in self.earlier - there if self.newest[row][1] is not None}

    def differences(self, database):
        columns, rows = table_rows(database, self.namespace, self.table)
        expected = {row[self.key]: row for row in (expected_row(columns, texts) for texts in rows)}
        there = {row: data for row, (_, data) in self.newest.items() if data is not None}
        found = list(self.violations)
        found += [f"missing row: {json.dumps(expected[row])}" for row in expected.keys() - there.keys()]
        found += [f"row that the table has not: {json.dumps(there[row])}"
                  for row in there.keys() - expected.keys() - self.earlier]
        found += [difference(row, there[row], data)
                  for row, data in expected.items() if row in there and there[row] != data]
        return found


def difference(key, record, row):
    """The columns that differ; an absent value differs from a null."""
    names = [name for name in {**record, **row} if record.get(name, ...) != row.get(name, ...)]
    return f"different: row {key}, columns {', '.join(names)}: " + "; ".join(
        f"{whose} {json.dumps({name: values[name] for name in names if name in values})[:SHOWN_LENGTH]}"
        for whose, values in (("record", record), ("table", row)))


def comparable(value):
    """0 and 0.0 are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Materialised:
    """All captured tables of a test, fed with a capture's records."""

    def __init__(self, streams, lives=None):
        """`streams`: (namespace, table) -> names of the key's columns, or an oracle. `lives`: (namespace, table) -> how
        many there may be, where it is not one."""
        lives = lives or {}
        self.oracles = {name: key if hasattr(key, "apply") else Oracle(*name, key, lives.get(name, 1))
                        for name, key in streams.items()}

    def know(self, unreported, truncations):
        """Positions in the WAL by (namespace, table)."""
        for name, oracle in self.oracles.items():
            oracle.unreported += unreported.get(name, [])
            oracle.truncations += truncations.get(name, [])

    def apply(self, records):
        for record in records:
            self.oracles[record["namespace"], record["stream"]].apply(record)

    def assert_equal(self, database, note=""):
        failures = []
        for (namespace, table), oracle in self.oracles.items():
            found = oracle.differences(database)
            shown = "\n  ".join(one[:3 * SHOWN_LENGTH] for one in found[:SHOWN])
            if found:
                failures.append(f"{namespace}.{table}: {len(found)} differences after {oracle.count} records and "
                                f"{oracle.life} lives, the first of them:\n  {shown}")
        assert not failures, note + "\n".join(failures)
