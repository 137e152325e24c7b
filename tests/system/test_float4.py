"""Every float4 prints as the server prints it.

There are 2^32 of them. Without FLOAT4_ALL=1 a sample is tried: around each power of two, and at random.
"""

import io
import os
import random
import struct

import pytest

from connector import Run

BLOCK = 1 << 22
SAMPLE = 200_000


def sample(seed):
    source = random.Random(seed)
    bits = {sign | exponent << 23 | mantissa & 0x7FFFFF for sign in (0, 1 << 31) for exponent in range(256)
            for mantissa in (-2, -1, 0, 1, 2, 0x400000, 0x2AAAAA)}
    while len(bits) < SAMPLE:
        bits.add(source.getrandbits(32))
    return sorted(bits)


def blocks():
    if os.environ.get("FLOAT4_ALL") != "1":
        seed = int(os.environ.get("FLOAT4_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"FLOAT4_SEED={seed}")
        yield sample(seed)
        return
    for first in range(0, 1 << 32, BLOCK):
        yield range(first, first + BLOCK)


def copy_file(bits):
    """In COPY's binary form: a column of these bits."""
    return io.BytesIO(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"".join(struct.pack(">hiI", 1, 4, one) for one in bits) + b"\xff\xff")


def as_json(text):
    """The server has no other words than JSON but for these, and writes an exponent as JSON does."""
    return f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text


def read_into(one, path):
    """The records as they were printed."""
    with open(path, "wb") as file:
        Run("read", *one.arguments(), stdout=file).succeed(600)
    with open(path, encoding="utf-8") as file:
        return [line for line in file if line.startswith('{"type":"RECORD"')]


@pytest.mark.limit(int(os.environ.get("FLOAT4_ALL") == "1") * 6 * 3600 or 120)
def test_every_float4_prints_as_the_server_prints_it(database, capture, tmp_path):
    """By the backfill, in the order in which they are stored; in changes the text is the server's own."""
    database.execute("SET statement_timeout = 0", "CREATE TABLE f (v float4)", database.publish_all)
    for bits in blocks():
        database.execute("TRUNCATE f", f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{database.slot}'")
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
