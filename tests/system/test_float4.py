"""Every float4 prints as the server prints it.

There are 2^32 of them. Without FLOAT4_ALL=1 samples are tried: by the connector, around each power of two and at random;
by the program float4_judge, which has the connector's own function, some stretches.
"""

import contextlib
import io
import os
import random
import shutil
import struct

import psycopg2
import pytest

from connector import Run, executable
from server import Server

ALL = os.environ.get("FLOAT4_ALL") == "1"
LIMIT_S = 6 * 3600 if ALL else 120
SAMPLE = 200_000
FRACTIONS = 1 << 23  # of one sign and one exponent
STRETCHES = 12


@pytest.fixture(name="chance")
def seeded():
    seed = int(os.environ.get("FLOAT4_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"FLOAT4_SEED={seed}")
    return random.Random(seed)


def sample(chance):
    bits = {sign | exponent << 23 | fraction & 0x7FFFFF for sign in (0, 1 << 31) for exponent in range(256)
            for fraction in (-2, -1, 0, 1, 2, 0x400000, 0x2AAAAA)}
    while len(bits) < SAMPLE:
        bits.add(chance.getrandbits(32))
    return sorted(bits)


def copy_file(bits):
    """In COPY's binary form: a column of these bits."""
    return io.BytesIO(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"".join(struct.pack(">hiI", 1, 4, one) for one in bits) + b"\xff\xff")


def as_json(text):
    """The server prints numbers as in JSON, except these words, and exponents as in JSON."""
    return f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text


def read_into(one, path):
    """The records as they were printed."""
    with open(path, "wb") as file:
        Run("read", *one.arguments(), stdout=file).succeed(600)
    with open(path, encoding="utf-8") as file:
        return [line for line in file if line.startswith('{"type":"RECORD"')]


def test_a_float4_prints_as_the_server_prints_it(database, capture, tmp_path, chance):
    """By the backfill, in the order in which they are stored; in changes the text is the server's own."""
    bits = sample(chance)
    database.execute("CREATE TABLE f (v float4)", database.publish_all)
    with database.connection.cursor() as cursor:
        cursor.copy_expert("COPY f FROM STDIN WITH (FORMAT binary)", copy_file(bits))
        text = io.StringIO()
        cursor.copy_expert("COPY f TO STDOUT", text)
    printed = read_into(capture(["f"]), tmp_path / "records")
    expected = text.getvalue().split()
    assert len(printed) == len(expected) == len(bits)
    for pattern, line, wanted in zip(bits, printed, expected):
        value = line[line.index('"v":') + 4:].split(",", 1)[0]
        assert value == as_json(wanted), f"bits {pattern:08x}: {value} and not {wanted}"


def stretches(chance):
    """(sign, exponent, first fraction, how many)."""
    if ALL:
        return [(sign, exponent, 0, FRACTIONS) for exponent in range(256) for sign in (0, 1)]
    return [(chance.randrange(2), exponent, chance.randrange(FRACTIONS - SAMPLE), SAMPLE)
            for exponent in [0, 255, *chance.sample(range(1, 255), STRETCHES)]]


def server_values(sign, exponent, first, count):
    """A query of the values of a stretch, exactly; the server has only one NaN."""
    implicit, power = (FRACTIONS, exponent - 150) if exponent else (0, -149)
    value = f"((fraction + {implicit}) * ({'-' * sign}power(2::float8, {power})))::float4"
    if exponent == 255:
        value = f"CASE WHEN fraction > 0 THEN 'NaN' ELSE '{'-' * sign}Infinity'::float4 END"
    return f"SELECT {value} FROM (SELECT generate_series({first}, {first + count - 1}) AS fraction) of_it"


@pytest.fixture(name="judging")
def server_with_judge():
    """A server that lives long enough, and the program where it can run it."""
    with Server(lifetime_s=LIMIT_S) as own:
        yield own, shutil.copy(os.path.join(os.path.dirname(executable()), os.pardir, "tests", "float4_judge"), own.directory)


@pytest.mark.limit(LIMIT_S)
@pytest.mark.since(12)
def test_every_float4_of_a_stretch_prints_as_the_server_prints_it(judging, chance):
    own, judge = judging
    with contextlib.closing(own.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for sign, exponent, first, count in stretches(chance):
            bits = f"{sign << 31 | exponent << 23 | first:08x}"
            try:
                cursor.execute(f"COPY ({server_values(sign, exponent, first, count)}) TO PROGRAM '{judge} {bits} {count}'")
            except psycopg2.Error as error:
                with open(own.log, encoding="utf-8") as log:
                    raise AssertionError(f"from bits {bits} on: {error}\n{log.read()[-1000:]}") from error
