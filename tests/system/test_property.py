"""Whatever a table holds, both paths print the same bytes, and the values that PostgreSQL prints.

Random tables of random types get random values. Each row is backfilled, then updated to itself and replicated:
the raw text of its data must not differ, and neither must the row before the update. Values are compared with
to_jsonb where that shows them as a record does: booleans, integers, floats, texts, enums, uuid, jsonb,
PostgreSQL's own text of other types, and arrays of these. It shows differently, and these are compared
with PostgreSQL's text of the value instead, where they are not in an array: numeric (a number there), bytea
(hexadecimal), dates and times (not RFC 3339), oid, inet and json (which jsonb may not take). Composites
(objects there) and ranges of timestamps are compared between the paths alone.

PROPERTY_SEED replays a run; PROPERTY_TABLES is the number of tables.
"""

import json
import os
import random
import time
from decimal import Decimal

import pytest

import random_tables
from airbyte_destination import discovered
from database import PRINTING
from random_tables import JSONB, PATHS, TEXT
from values import expected_value

SEED = int(os.environ.get("PROPERTY_SEED", time.time_ns() % 10**9))
TABLES = int(os.environ.get("PROPERTY_TABLES", "80"))
ROWS = 6


class Table:
    def __init__(self, name, kinds):
        self.name = name
        self.columns = {f"c{number}": kind for number, kind in enumerate(kinds)}

    def create(self, database):
        declared = "".join(f", {name} {kind.declared}" for name, kind in self.columns.items())
        database.execute(f"CREATE TABLE {self.name} (id int PRIMARY KEY{declared})",
                         f"ALTER TABLE {self.name} REPLICA IDENTITY FULL")

    def fill(self, database, chance):
        holders = "".join(f", %s::{kind.declared}" for kind in self.columns.values())
        with database.connection.cursor() as cursor:
            for number in range(ROWS):
                values = [None if chance.random() < 0.1 else kind.value(chance) for kind in self.columns.values()]
                cursor.execute(f"INSERT INTO {self.name} VALUES (%s{holders})", [number, *values])

    def said(self, database):
        """PostgreSQL's text of each value by id and column."""
        forms = {JSONB: "to_jsonb({})::text", TEXT: "{}::text", PATHS: "NULL"}
        listed = "".join(", " + forms[kind.compared].format(name) for name, kind in self.columns.items())
        return {row[0]: dict(zip(self.columns, row[1:]))
                for row in database.query(f"SELECT id{listed} FROM {self.name}")}


def raw_data(line):
    """The text of a record's columns, and of the row before."""
    start = line.index(b'"data":{') + len(b'"data":{')
    end = line.rindex(b',"_meta":{"op":"')
    before = line.find(b',"before":{', end)
    return line[start:end], line[before + len(b',"before":{'):-len(b"}}}}}")] if before >= 0 else None


def raw_airbyte(line):
    """The same in the Airbyte look, with what could not be held."""
    start = line.index(b'"data":{') + len(b'"data":{')
    end = line.rindex(b',"_ab_cdc_lsn":')
    meta = line.rfind(b',"meta":{"changes":[')
    return line[start:end], line[meta:] if meta > end else None


def read_raw(one, path, raw=raw_data):
    """One run: raw texts by table and id. The state goes to the capture."""
    rows = {}
    with open(path, "wb") as out:
        one.start(stdout=out).succeed()
    for line in path.read_bytes().decode("utf-8").encode().splitlines():
        message = json.loads(line)
        if message["type"] == "STATE":
            one.state = [message["state"]]
        if message["type"] == "RECORD":
            rows[message["record"]["stream"], message["record"]["data"]["id"]] = raw(line)
    return rows


def parsed(text):
    """Numbers to the last digit; half a surrogate pair is what a record shows for it."""
    def mend(value):
        if isinstance(value, str):
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if isinstance(value, list):
            return [mend(one) for one in value]
        return {mend(name): mend(one) for name, one in value.items()} if isinstance(value, dict) else value
    return mend(json.loads(text, parse_float=Decimal, parse_int=Decimal))


def compare(table, rows, said):
    for number, texts in said.items():
        data = parsed(b"{" + rows[table.name, number][0] + b"}")
        for name, kind in table.columns.items():
            where = f"{table.name}.{name} {kind.declared}, row {number}"
            if kind.compared == JSONB:
                assert data[name] == (None if texts[name] is None else parsed(texts[name])), where
            elif kind.compared == TEXT:
                assert data[name] == expected(kind.declared, texts[name]), where


def expected(declared, text):
    if text is None or "json" in declared or declared == "document":
        return None if text is None else parsed(text)
    names = {"timestamptz": "timestamp with time zone", "moment": "timestamp with time zone",
             "time": "time without time zone", "timetz": "time with time zone"}
    value = expected_value(names.get(declared, declared), text)
    return Decimal(value) if isinstance(value, int) else value


@pytest.fixture(name="tables")
def random_tables_of_random_types(database):
    chance = random.Random(SEED)
    extensions = [name for name, in database.query("SELECT name FROM pg_available_extensions")
                  if name in random_tables.EXTENSIONS]
    database.execute(*[f"CREATE EXTENSION {name}" for name in extensions], *random_tables.TYPES,
                     "CREATE TABLE u1 (id int)", *[f"SET {setting}" for setting in PRINTING])
    kinds = random_tables.usable(database.connection.server_version, extensions)
    chance.shuffle(kinds)  # every type has its turn
    made = []
    for number in range(TABLES):
        width = chance.choice((0, 1, 4, 8, 8, 12))
        made.append(Table(f"t{number}", [kinds[(number * 8 + n) % len(kinds)] for n in range(width)]))
        made[-1].create(database)
        made[-1].fill(database, chance)
    return made


def test_both_paths_print_the_same_bytes_and_what_postgresql_says(database, capture, tables, tmp_path):
    print(f"PROPERTY_SEED={SEED}")
    one = capture([table.name for table in tables])
    backfilled = read_raw(one, tmp_path / "backfilled")
    assert len(backfilled) == ROWS * len(tables)
    for table in tables:
        database.execute(f"UPDATE {table.name} SET id = id")
    replicated = read_raw(one, tmp_path / "replicated")
    for table in tables:
        for number in range(ROWS):
            first, _ = backfilled[table.name, number]
            second, before = replicated[table.name, number]
            assert first == second == before, f"{table.name} {[kind.declared for kind in table.columns.values()]}"
        compare(table, backfilled, table.said(database))


def test_both_paths_print_the_same_bytes_in_the_airbyte_look(database, capture, tables, tmp_path):
    """The same values as in the plain look, except those that look different: these are computed from it."""
    print(f"PROPERTY_SEED={SEED}")
    one = capture([table.name for table in tables])
    plain = read_raw(one, tmp_path / "plain")
    one.state = None
    one.streams = discovered(one, *[table.name for table in tables])
    backfilled = read_raw(one, tmp_path / "backfilled", raw_airbyte)
    for table in tables:
        database.execute(f"UPDATE {table.name} SET id = id")
    replicated = read_raw(one, tmp_path / "replicated", raw_airbyte)
    assert len(backfilled) == ROWS * len(tables) and backfilled == replicated
    for table in tables:
        for number in range(ROWS):
            compare_looks(table, parsed(b"{" + plain[table.name, number][0] + b"}"), *backfilled[table.name, number])


def compare_looks(table, plain, text, lost):
    data = parsed(b"{" + text + b"}")
    changes = json.loads(b"{" + lost[1:-1])["meta"]["changes"] if lost else []
    nulled = [change["field"] for change in changes]
    assert data.keys() == plain.keys()
    for name, kind in table.columns.items():
        where = f"{table.name}.{name} {kind.declared}: {plain[name]!r}, {data[name]!r}"
        if data[name] is None:
            assert (plain[name] is not None) == (name in nulled) or "json" in kind.declared or kind.declared == "document", where
        elif name not in nulled and not isinstance(plain[name], list):
            assert as_plain(plain[name], data[name]), where


def as_plain(plain, value):
    """Whether a value that was held is the one that the plain look shows."""
    if isinstance(value, Decimal) and isinstance(plain, str):
        return Decimal(plain) == value
    return plain in (value, f"{value}Z") or parsed(value.encode()) == plain  # the last: json is its text
