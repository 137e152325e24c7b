"""Scalar values look the same from the backfill and from replication, and as the value table says."""

from contextlib import closing

import pytest

from database import Database

# type, SQL literals, and the JSON value where it is worth spelling out (else worked out from the server's text)
CASES = {
    "bool": [("true", True), ("false", False)],
    "int2": [("-32768", -32768), ("32767", 32767)],
    "int4": [("-2147483648", -2147483648), ("0", 0)],
    "int8": [("-9223372036854775808", -9223372036854775808), ("9223372036854775807", 9223372036854775807)],
    "oid": [("4294967295", 4294967295)],
    "float4": [("1.1", 1.1), ("3.4028235e38", 3.4028235e38), ("1e-45", 1e-45), ("'NaN'", "NaN"), ("'-0'", -0.0)],
    "float8": [("0.1", 0.1), ("1.7976931348623157e308", 1.7976931348623157e308), ("5e-324", 5e-324),
               ("'Infinity'", "Infinity"), ("'-Infinity'", "-Infinity"), ("123456789.123", 123456789.123)],
    "numeric": [("123.4560", "123.4560"), ("-0.00000000000000000001", "-0.00000000000000000001"), ("'NaN'", "NaN"),
                ("1e100", "1" + "0" * 100), ("0.000", "0.000"), ("10000", "10000"), ("99999999.9999", "99999999.9999")],
    "numeric(10,3)": [("5", "5.000"), ("-1234567.8", "-1234567.800")],
    "text": [("'plain'", "plain"), ("''", ""), ("E'\"quo\\\\te\"\\n\\t\\r\\b\\f/'", "\"quo\\te\"\n\t\r\b\f/"),
             ("E'\\x01\\x1f\\x7f'", "\x01\x1f\x7f"), ("'ünï 表 🐘 \u2028'", "ünï 表 🐘 \u2028")],
    "varchar(20)": [("'varying'", "varying")],
    "char(5)": [("'ab'", "ab   ")],
    "name": [("'a name'", "a name")],
    "bytea": [("'\\xdeadbeef'", "3q2+7w=="), ("''", ""), ("'\\x00'", "AA=="), ("'\\x0001'", "AAE=")],
    "bit(3)": [("B'101'", "101")],
    "varbit": [("B'0011'", "0011"), ("B''", "")],
    "date": [("'2024-01-15'", "2024-01-15"), ("'0001-01-01'", "0001-01-01"), ("'9999-12-31'", "9999-12-31")],
    "timestamp": [("'2024-01-15 14:30:00.5'", "2024-01-15T14:30:00.5Z"), ("'1999-12-31 23:59:59.999999'", "1999-12-31T23:59:59.999999Z"),
                  ("'0001-01-01 00:00:00'", "0001-01-01T00:00:00Z"), ("'1969-12-31 23:59:59'", "1969-12-31T23:59:59Z")],
    "timestamptz": [("'2024-01-15 14:30:00.5+02'", "2024-01-15T12:30:00.5Z"), ("'2024-06-30 23:30:00 America/New_York'", "2024-07-01T03:30:00Z")],
    "time": [("'23:59:59.999999'", "23:59:59.999999Z"), ("'00:00'", "00:00:00Z")],
    "timetz": [("'14:30:00+05:30'", "14:30:00+05:30"), ("'14:30:00.25-03'", "14:30:00.25-03:00")],
    "interval": [("'1 year 2 months 3 days 4:05:06.5'", "P1Y2M3DT4H5M6.5S"), ("'0'", "PT0S"), ("'-1 day'", "P-1D")],
    "money": [("123.45", "$123.45"), ("-999.99", "-$999.99")],
    "uuid": [("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")],
    "json": [("'{\"b\":1, \"a\" : [1,2.50,null,\"x\\u00e9\\n\"]}'", {"b": 1, "a": [1, 2.5, None, "xé\n"]}), ("E'{\\n\"a\":\\t1\\n}'", {"a": 1}),
             ("'null'", None), ("'\"s\"'", "s"), ("'\"\\ud800\"'", "\ufffd")],
    "jsonb": [("'{\"b\":1,\"a\":{\"c\":[true,false]}}'", {"b": 1, "a": {"c": [True, False]}}), ("'[]'", []), ("'12.50'", 12.5)],
    "inet": [("'192.168.1.1'", "192.168.1.1/32"), ("'::1'", "::1/128"), ("'10.0.0.1/8'", "10.0.0.1/8")],
    "cidr": [("'10.0.0.0/8'", "10.0.0.0/8"), ("'1.2.3.4'", "1.2.3.4/32")],
    "macaddr": [("'08:00:2b:01:02:03'", "08:00:2b:01:02:03")],
    "xml": [("'<a>b</a>'", "<a>b</a>")],
    "point": [("'(1,2)'", "(1,2)")],
    "tsvector": [("'a b'", "'a' 'b'")],
    "mood": [("'ok'", "ok")],
    "pair": [("'(1,x)'", "(1,x)")],
    "small": [("5", 5)],
}
TYPES = ["CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE TYPE pair AS (a int, b text)",
         "CREATE DOMAIN small AS int4 CHECK (value < 10)"]

OUT_OF_RANGE = [("date", "'infinity'", "9999-12-31"), ("date", "'-infinity'", "0000-01-01"),
                ("date", "'12345-01-01'", "9999-12-31"), ("date", "'0044-03-15 BC'", "0000-01-01"),
                ("timestamp", "'infinity'", "9999-12-31"), ("timestamptz", "'-infinity'", "0000-01-01"),
                ("timestamptz", "'20000-01-01 00:00+00'", "9999-12-31"), ("timestamp", "'0001-12-31 23:59:59 BC'", "0000-01-01")]


def both_paths(database, capture, rows, declared):
    """The value of each row from the backfill and from replication, by id. `rows`: id -> SQL literal."""
    database.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {declared})")
    for number, literal in rows.items():
        database.execute(f"INSERT INTO t VALUES ({number}, ({literal})::{declared})")
    one = capture(["t"])
    one.run()
    database.execute("INSERT INTO t SELECT id + 1000, v FROM t")
    one.run()
    found = {record["data"]["id"]: record["data"]["v"] for record in one.records}
    assert [record["data"]["_meta"]["source"].get("snapshot", False) for record in one.records] == \
        [True] * len(rows) + [False] * len(rows)
    return {number: (found[number], found[1000 + number]) for number in rows}


@pytest.mark.parametrize("declared", CASES)
def test_values_of(database, capture, declared):
    database.execute(*TYPES)
    cases = CASES[declared] + [("NULL", None)]
    found = both_paths(database, capture, {number: literal for number, (literal, _) in enumerate(cases)}, declared)
    for number, (literal, expected) in enumerate(cases):
        backfilled, replicated = found[number]
        assert same(backfilled, expected), f"{declared} {literal} from the backfill"
        assert same(replicated, expected), f"{declared} {literal} from replication"


def same(value, expected):
    """Equal, and of the same kind: true is not 1, and 1 is not 1.0 where an integer is due."""
    if isinstance(expected, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value == expected
    return type(value) is type(expected) and value == expected


@pytest.mark.parametrize("declared, literal, prefix", OUT_OF_RANGE)
def test_dates_that_rfc_3339_cannot_hold(database, capture, declared, literal, prefix):
    backfilled, replicated = both_paths(database, capture, {1: literal}, declared)[1]
    assert backfilled.startswith(prefix) and backfilled == replicated
    assert len(backfilled) == len(prefix) if declared == "date" else backfilled.endswith("Z")


def test_a_float_prints_the_same_bytes_from_both_paths(database, capture):
    """Digits included: 0.1 is not to become 0.10000000000000001 on one of them."""
    literals = ["0.1", "1e22", "1e21", "123456789012345680", "1e-7", "0.000001", "100", "'-0'", "1e15", "1e16", "2.5e-310"]
    for declared in ("float8", "float4"):
        database.execute("DROP TABLE IF EXISTS t CASCADE")
        usable = literals if declared == "float8" else literals[:-1]
        pairs = both_paths(database, capture, dict(enumerate(usable)), declared).values()
        assert [repr(one) for one, _ in pairs] == [repr(two) for _, two in pairs]
        database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")


def test_a_database_in_another_encoding_gives_utf8(server, capture):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS latin")
        cursor.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    own = Database(server, "latin", create=False)
    try:
        own.execute("CREATE TABLE t (id int PRIMARY KEY, \"naïve\" text)", "INSERT INTO t VALUES (1, 'déjà vu')")
        one = capture(["t"], of=own)
        one.run()
        own.execute("INSERT INTO t VALUES (2, 'straße')")
        one.run()
        assert [record["data"]["naïve"] for record in one.records] == ["déjà vu", "straße"]
    finally:
        own.drop()


def test_wide_values_come_whole(database, capture):
    rows = {1: "repeat('x', 5000000)", 2: "repeat('\"', 1000000)", 3: "repeat('é', 1000000)"}
    found = both_paths(database, capture, rows, "text")
    assert [found[number][0] for number in rows] == ["x" * 5000000, '"' * 1000000, "é" * 1000000]
    assert all(backfilled == replicated for backfilled, replicated in found.values())
