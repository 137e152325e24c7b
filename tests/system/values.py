"""How each type must look in a record, worked out from PostgreSQL's own text of the value.

This is a second, independent reading of the value table: it shares no code with the connector.
"""

import base64
import json
import re

INTEGERS = {"smallint", "integer", "bigint", "oid"}
FLOATS = {"real", "double precision"}
SPECIAL = {"NaN", "Infinity", "-Infinity"}
TIMESTAMP = re.compile(r"(\d{4,})-(\d\d)-(\d\d)(?: (\d\d:\d\d:\d\d)(\.\d+)?(?:\+00)?)?( BC)?$")


def expected_value(type_name, text):
    """The JSON value for PostgreSQL's text (UTC, ISO dates) of a column of this type."""
    if text is None:
        return None
    if type_name in INTEGERS:
        return int(text)
    if type_name in FLOATS:
        return text if text in SPECIAL else float(text)
    if type_name == "boolean":
        return text in ("t", "true")
    if type_name in ("json", "jsonb", "hstore", "pair[]"):
        return json.loads(text)
    if type_name == "mood[]":  # of words that need no quotes
        return text.strip("{}").split(",")
    if type_name == "bytea":
        return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode("ascii")
    if type_name == "date" or type_name.startswith("timestamp"):
        return expected_date(type_name, text)
    if type_name == "time without time zone":
        return text + "Z"
    if type_name == "time with time zone":
        return text if re.search(r"[+-]\d\d:\d\d(:\d\d)?$", text) else text + ":00"
    return text


def expected_date(type_name, text):
    is_date = type_name == "date"
    if text == "infinity":
        return "9999-12-31" if is_date else "9999-12-31T23:59:59Z"
    if text == "-infinity":
        return "0000-01-01" if is_date else "0000-01-01T00:00:00Z"
    year, month, day, clock, fraction, bc = TIMESTAMP.match(text).groups()
    if bc:
        return "0000-01-01" if is_date else "0000-01-01T00:00:00Z"
    if len(year) > 4:
        return "9999-12-31" if is_date else "9999-12-31T23:59:59Z"
    return f"{year}-{month}-{day}" if is_date else f"{year}-{month}-{day}T{clock}{fraction or ''}Z"


def expected_row(columns, texts):
    return {name: expected_value(type_name, text) for (name, type_name), text in zip(columns, texts)}
