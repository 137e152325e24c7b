"""Random tables: columns of any type that a server has, and rows for them.

A kind of column knows how its type is declared, how to make a value (text as PostgreSQL reads it), and
what its record can be compared with: JSONB, to_jsonb of the value; TEXT, PostgreSQL's text by way of values.py;
PATHS, nothing but the other path.
"""

from dataclasses import dataclass
from typing import Callable

import random_values as make

JSONB, TEXT, PATHS = range(3)

EXTENSIONS = ("citext", "hstore", "ltree", "postgis", "vector")  # those that the server has

TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'o\"k', 'ha ppy', 'it''s', 'é,\\{}', '')",
    "CREATE DOMAIN short_text AS varchar(2000)", "CREATE DOMAIN padded AS char(7)", "CREATE DOMAIN shorter AS short_text",
    "CREATE DOMAIN amount AS numeric(20,3)", "CREATE DOMAIN ints AS int[]", "CREATE DOMAIN document AS json",
    "CREATE DOMAIN moment AS timestamptz",
    "CREATE TYPE pair AS (a int, b text, c timestamptz, d float8, e padded, f \"char\")",
    "CREATE TYPE nested AS (p pair, l text[], j json)", "CREATE DOMAIN checked_pair AS pair",
    "CREATE TYPE textrange AS RANGE (subtype = text)", "CREATE TYPE floatrange AS RANGE (subtype = float8)",
)


@dataclass(frozen=True)
class Kind:
    declared: str
    value: Callable  # random -> text
    compared: int = JSONB
    since: int = 0  # server version
    extension: str = ""
    in_arrays: bool = True


SCALARS = [
    Kind("bool", make.boolean), Kind("int2", make.integer(16)), Kind("int4", make.integer(32)),
    Kind("int8", make.integer(64)), Kind("oid", make.unsigned(32), TEXT),
    Kind("float4", make.floating(">f", 32)), Kind("float8", make.floating(">d", 64)),
    Kind("numeric", make.numeric, TEXT), Kind("numeric(20,3)", make.numeric_with_scale, TEXT),
    Kind("numeric", make.one_of("Infinity", "-Infinity"), TEXT, 140000),
    Kind("text", make.text), Kind("varchar(2000)", lambda random: make.text(random)[:2000]),
    Kind("char(9)", lambda random: make.text(random)[:9]), Kind("name", lambda random: make.text(random)[:15]),
    Kind('"char"', lambda random: make.text(random)[:1], PATHS),  # to_jsonb may break it in the middle of a character
    Kind("bytea", make.bytea, TEXT),
    Kind("bit(5)", make.bits(5)), Kind("varbit", make.bits(None)), Kind("date", make.date, TEXT),
    Kind("time", make.time, TEXT), Kind("timetz", make.timetz, TEXT), Kind("timestamp", make.timestamp, TEXT),
    Kind("timestamp(2)", make.timestamp, TEXT), Kind("timestamptz", make.timestamptz, TEXT),
    Kind("interval", make.interval), Kind("money", make.money), Kind("uuid", make.uuid),
    Kind("json", make.json_text, TEXT), Kind("jsonb", make.any_json), Kind("inet", make.inet, TEXT),
    Kind("cidr", make.cidr, TEXT), Kind("macaddr", make.macaddr(6)), Kind("macaddr8", make.macaddr(8)),
    Kind("point", make.point), Kind("lseg", make.points("[", "]", 2)), Kind("box", make.points("", "", 2)),
    Kind("path", make.points("[", "]", 3)), Kind("polygon", make.points("(", ")", 4)), Kind("circle", make.circle),
    Kind("line", make.line), Kind("xml", make.xml), Kind("tsvector", make.tsvector), Kind("tsquery", make.tsquery),
    Kind("jsonpath", make.one_of("$.a[*] ? (@ > 1)", '$."é"'), since=120000), Kind("pg_lsn", make.one_of("0/0", "16/B374D848")),
    Kind("txid_snapshot", make.one_of("10:20:10,14,15")), Kind("xid", make.unsigned(32)), Kind("tid", make.one_of("(0,1)")),
    Kind("int2vector", make.one_of("", "1 2 3"), PATHS, in_arrays=False),
    Kind("oidvector", make.one_of("1 2"), PATHS, in_arrays=False),
    Kind("regclass", make.one_of("pg_class", "public.u1", "-"), PATHS), Kind("regtype", make.one_of("int4", "public.mood", "mood[]"), PATHS),
    Kind("mood", make.one_of("sad", 'o"k', "ha ppy", "it's", "é,\\{}", "")),
    Kind("short_text", lambda random: make.text(random)[:2000]), Kind("shorter", make.word),
    Kind("padded", lambda random: make.text(random)[:7]), Kind("amount", make.numeric_with_scale, TEXT),
    Kind("document", make.json_text, TEXT), Kind("moment", make.timestamptz, TEXT),
    Kind("ints", make.one_of("{}", "{1,NULL}", "[-1:0]={5,6}", "{{1,2},{3,4}}")),
    Kind("citext", make.text, extension="citext"), Kind("hstore", make.hstore, extension="hstore"),
    Kind("ltree", lambda random: ".".join(make.word(random) for _ in range(3)), extension="ltree"),
    Kind("lquery", make.one_of("a.*.b", "*{1,2}.!c"), extension="ltree"),
    Kind("geometry", make.one_of("POINT(1 2)", "SRID=4326;LINESTRING(0 0,1 1.5)", "POINT EMPTY"), PATHS, extension="postgis"),
    Kind("geography", make.one_of("POINT(-71.06 42.36)"), PATHS, extension="postgis"),
    Kind("vector", make.one_of("[1,2.5,-3e-07]", "[0]"), PATHS, extension="vector"),
]
DELIMITERS = {"box": ";", "geometry": ":", "geography": ":"}  # in arrays; of all others a comma


def of(declared):
    return next(kind for kind in SCALARS if kind.declared == declared)


def quoted(value):
    """Inside an array, a range or a composite; None is NULL there only in arrays."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def composite(*kinds):
    def value(random):
        return "(" + ",".join(random.choice(("", quoted(kind.value(random)), quoted(kind.value(random))))
                              for kind in kinds) + ")"
    return value


def range_of(kind, key):
    """`key` orders values as the server does."""
    def value(random):
        if random.random() < 0.15:
            return "empty"
        low, high = sorted((kind.value(random), kind.value(random)), key=key)
        return (random.choice("[(") + random.choice(("", quoted(low))) + "," + random.choice(("", quoted(high))) +
                random.choice("])"))
    return value


def plain_timestamp(random):
    return f"{random.randint(1, 9999):04}-01-15 {make.clock(random)}"


MULTI = ["{}", "{[1,5),(7,)}", "{(,)}"]
PAIR = composite(of("int4"), of("text"), of("timestamptz"), of("float8"), of("padded"), of('"char"'))
RANGES = [
    Kind("int4range", range_of(Kind("", lambda random: str(random.randint(-99, 99))), int)),
    Kind("int8range", range_of(Kind("", lambda random: str(random.randint(-10**15, 10**15))), int)),
    Kind("numrange", range_of(Kind("", lambda random: f"{random.randint(-99, 99)}.{random.randint(0, 9)}00"), float)),
    Kind("daterange", range_of(Kind("", lambda random: f"{random.randint(1000, 9999)}-06-05"), str)),
    Kind("tsrange", range_of(Kind("", plain_timestamp), str), PATHS),
    Kind("tstzrange", range_of(Kind("", lambda random: plain_timestamp(random) + "+00"), str), PATHS),
    Kind("tsrange", make.one_of("[infinity,infinity]", "[-infinity,)", "[0044-03-15 10:00 BC,20000-01-01)"), PATHS),
    Kind("floatrange", range_of(Kind("", lambda random: repr(random.random())), float)),
    Kind('textrange', range_of(Kind("", make.text), lambda value: value.encode())),
    Kind("int4multirange", make.one_of(*MULTI), since=140000), Kind("nummultirange", make.one_of(*MULTI), since=140000),
    Kind("tstzmultirange", make.one_of("{}", '{[2024-01-15 14:30:00+02,"2024-01-15 14:30:00.5+00"),(infinity,]}'), PATHS, 140000),
    Kind("tsmultirange", make.one_of("{(,0044-03-15 10:00 BC]}"), PATHS, 140000),
]
COMPOSITES = [
    Kind("pair", PAIR, PATHS), Kind("checked_pair", PAIR, PATHS),
    Kind("nested", composite(Kind("", PAIR), Kind("", make.one_of("{}", '{"a b",NULL,"\\""}')), of("jsonb")), PATHS),
]


def short_value(kind, random):
    while len(value := kind.value(random)) > 5000:
        pass
    return value


def array_of(kind):
    def items(random, dimensions):
        if not dimensions:
            return "NULL" if random.random() < 0.2 else quoted(short_value(kind, random))
        delimiter = DELIMITERS.get(kind.declared, ",")
        return "{" + delimiter.join(items(random, dimensions[1:]) for _ in range(dimensions[0])) + "}"

    def value(random):
        dimensions = [random.randint(1, 3) for _ in range(random.choice((0, 1, 1, 1, 2, 3)))]
        bounds = ""
        if dimensions and random.random() < 0.3:
            lower = [random.randint(-3, 3) for _ in dimensions]
            bounds = "".join(f"[{low}:{low + count - 1}]" for low, count in zip(lower, dimensions)) + "="
        return bounds + items(random, dimensions) if dimensions else "{}"
    return Kind(f"{kind.declared}[]", value, JSONB if kind.compared == JSONB else PATHS, kind.since, kind.extension)


BASES = SCALARS + RANGES + COMPOSITES
ALL = BASES + [array_of(kind) for kind in BASES if kind.in_arrays and not kind.declared == "ints"]


def usable(version, extensions):
    return [kind for kind in ALL if kind.since <= version and (not kind.extension or kind.extension in extensions)]
