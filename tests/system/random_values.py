"""Random values of scalar types, as PostgreSQL reads them: extremes and traps as often as plain ones."""

import json
import struct

PIECES = ["a", "Z", "0", " ", "  ", "", '"', "'", "\\", "\\\\", "{", "}", ",", "(", ")", "[", "]", ";", "NULL", "null", "\t",
          "\n", "\r", "\b", "\f", "\x01", "\x1f", "\x7f", "/", "é", "ß", "表", "\u2028", "\u2029", "\ufeff", "\ufffd",
          "\U0001f418", "\U0010ffff", "=>", "::", "%s", "$1", "--", "\\u0041", "\\x41", "&lt;"]
JSON_TEXTS = ['null', 'true', '""', '"\\u2028\u2028"', '1e400', '-0', '-0.0', '1E+2', '0.10', '[]', '{}', '[ ]', '{ }',
              '{"a":1,"a":2}', '{\n\t"a" :\r\n [1, 2.50,\tnull]\n}', '"\\ud83d\\udc18"', '"\\/\\b\\f\\n\\r\\t\\u0001"',
              ' [[[[ {"":{"":[]}} ]]]] ', '"\\u00e9\U0001f418"', '123456789012345678901234567890.123456789']
LONE_SURROGATES = ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud800x":"\\ud800\\u0041","b":"\\udfff"}', '"\\ud800\\ud83d\\udc18"',
                   '"\\\\ud800"', '"\\\\\\ud800"', '"\\u0000"']


def text(random):
    if random.random() < 0.03:
        return "".join(random.choice(PIECES) for _ in range(40)) * random.randint(1, 300)
    return "".join(random.choice(PIECES) for _ in range(random.choice((0, 1, 1, 2, 3, 5, 8, 13))))


def word(random):
    """Short, and of letters alone."""
    return "".join(random.choice("abcXYZ") for _ in range(random.randint(1, 5)))


def boolean(random):
    return random.choice(("true", "false"))


def integer(bits):
    def make(random):
        most = (1 << (bits - 1)) - 1
        return str(random.choice((0, 1, -1, most, -most - 1, random.randint(-most - 1, most), random.randint(-99, 99))))
    return make


def unsigned(bits):
    return lambda random: str(random.choice((0, 1, (1 << bits) - 1, random.getrandbits(bits))))


def floating(code, bits):
    """Any bits at all, and numbers that people write."""
    def make(random):
        size = struct.calcsize(code)
        value = struct.unpack(code, random.getrandbits(bits).to_bytes(size, "big"))[0]
        return random.choice((repr(value), repr(value), "NaN", "Infinity", "-Infinity", "-0", "0.1", "1e22", "1e21", "123456.75",
                              "1e-5", "0.0001", str(random.randint(-10**6, 10**6)), str(random.randint(-9999, 9999) / 100)))
    return make


def numeric(random):
    digits = "".join(random.choice("0123456789") for _ in range(random.choice((1, 4, 5, 8, 17, 40, 1000))))
    fraction = "".join(random.choice("0009") for _ in range(random.choice((1, 3, 4, 5, 12, 400))))
    return random.choice(("NaN", "0", "0.00", "-0.0000000", "10000", "1e130", "1e-130", digits, "-" + digits,
                          f"{digits}.{fraction}", f"-0.{fraction}", f"{digits[:3]}0000.{fraction}"))


def numeric_with_scale(random):
    return random.choice(("NaN", "0", "-5", str(random.randint(-10**14, 10**14) / 1000)))


def date(random):
    return random.choice(("infinity", "-infinity", "0001-01-01", "9999-12-31", "10000-01-01", "5874897-12-31",
                          "4713-01-01 BC", "0001-12-31 BC", "2000-02-29", "1900-02-28", "1999-12-31",
                          f"{random.randint(1, 9999):04}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"))


def clock(random):
    seconds = random.randrange(86400)
    fraction = random.choice(("", ".5", ".000001", ".999999", f".{random.randrange(10**6):06}"))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def time(random):
    return random.choice(("00:00:00", "24:00:00", clock(random), clock(random)))


def timetz(random):
    return time(random) + random.choice(("+00", "-00:30", "+05:30", "-12", "+14", "+15:59:59", "-15:59", "+00:00:01"))


def timestamp(random):
    day = date(random)
    if "infinity" in day:
        return day
    if day.startswith("5874897"):
        return "294276-12-31 23:59:59.999999"
    year, *bc = day.split(" ")
    return " ".join([year, clock(random), *bc])


def timestamptz(random):
    value = timestamp(random)
    zone = random.choice(("+00", "-03:30", "+05:45", ""))
    if "infinity" in value:
        return value
    if value.startswith(("294276", "4713")):
        zone = "+00"  # the ends of what there is
    return value.replace(" BC", zone + " BC") if value.endswith("BC") else value + zone


def interval(random):
    us = random.choice((0, 1, -1, random.randint(-10**12, 10**12)))
    return f"{random.randint(-30, 30)} months {random.randint(-99, 99)} days {'-' * (us < 0)}{abs(us) / 10**6:.6f} seconds"


def money(random):
    return str(random.choice((0, 1, -1, "92233720368547758.07", random.randint(-10**9, 10**9) / 100)))


def bytea(random):
    return "\\x" + bytes(random.getrandbits(8) for _ in range(random.choice((0, 1, 2, 3, 4, 33, 5000)))).hex()


def bits(length):
    def make(random):
        count = random.choice((0, 1, 7, 64)) if length is None else length
        return "".join(random.choice("01") for _ in range(count))
    return make


def uuid(random):
    return f"{random.getrandbits(128):032x}"


def json_value(random, depth=0):
    kind = random.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [json_value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind == 7:
        return {text(random)[:50]: json_value(random, depth + 1) for _ in range(random.randrange(4))}
    return (None, True, random.randint(-10**20, 10**20), random.random() * 10**random.randint(-30, 30), text(random), "")[kind]


def any_json(random):
    if random.random() < 0.3:
        return random.choice(JSON_TEXTS)
    return json.dumps(json_value(random), ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 1, 4)))


def json_text(random):
    return random.choice(LONE_SURROGATES) if random.random() < 0.1 else any_json(random)


def inet(random):
    v4 = ".".join(str(random.randrange(256)) for _ in range(4))
    return random.choice((v4, v4 + "/24", v4 + "/32", v4 + "/0", "::1", "fe80::1/64", "::ffff:1.2.3.4", "2001:db8::/128"))


def cidr(random):
    return random.choice((f"{random.randrange(256)}.0.0.0/8", "1.2.3.4", "::/0", "2001:db8::/32", "::1"))


def macaddr(octets):
    return lambda random: ":".join(f"{random.randrange(256):02x}" for _ in range(octets))


def point(random):
    make = floating(">d", 64)
    return f"({make(random)},{random.randint(-99, 99)})"


def points(opening, closing, count):
    return lambda random: opening + ",".join(
        f"({random.randint(-99, 99) / 10},{random.random() * 1e-7})" for _ in range(count)) + closing


def circle(random):
    return f"<(1.5,{random.randint(-9, 9)}),{random.random()}>"


def line(random):
    return f"{{{random.randint(1, 9)},{random.random()},0.1}}"


def xml(random):
    return random.choice(("<a>b</a>", "<a b='1'>é &amp; \"\\</a>", "plain", "<a/>\n<b/>", "<!-- \U0001f418 -->"))


def tsvector(random):
    return random.choice(("", "a:1A b:2,3B", "'it''s':1 'a b' '\\\\'", word(random)))


def tsquery(random):
    return random.choice(("a & !b | c:*A", "'a b' <-> c", word(random)))


def hstore(random):
    def quoted(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return ", ".join(f"{quoted(text(random)[:99])}=>{random.choice(('NULL', quoted(text(random)[:99])))}"
                     for _ in range(random.randrange(4)))


def one_of(*values):
    return lambda random: random.choice(values)
