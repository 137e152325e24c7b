#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets to corpus/TARGET/: run it again when a target's input changes."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

# As in types.h, in its order: name, texts, binary forms.
TYPES = [
    ("bool", ["t", "f"], [b"\1"]),
    ("int2", ["-1"], [struct.pack(">h", -32768)]),
    ("int4", ["2147483647"], [struct.pack(">i", -1)]),
    ("int8", ["-9223372036854775808"], [struct.pack(">q", 1 << 40)]),
    ("oid", ["4294967295"], [struct.pack(">I", 1 << 31)]),
    ("float4", ["1.5e-10"], [struct.pack(">f", 1.1)]),
    ("float8", ["NaN", "-1e308"], [struct.pack(">d", 0.1), struct.pack(">d", 5e-324)]),
    ("numeric", ["0.00", "-1234.56", "NaN"], []),
    ("text", ["a\x01\"\\\u2028\U0001f418"], []),
    ("bpchar", ["ab   "], []),
    ("name", ["name"], []),
    ("char", ["x", "\\377"], []),
    ("bytea", ["\\xdeadbeef"], [b"\0\1\2\3"]),
    ("uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], [bytes(range(16))]),
    ("json", ['{"a":\n[1,2.50,null,"x\\u00e9\\ud800\\n"]}', '"\\ud83d\\udc18"', "1e400"], []),
    ("date", ["2024-01-15", "0044-03-15 BC", "infinity"], [struct.pack(">i", 8780)]),
    ("time", ["23:59:59.999999"], [struct.pack(">q", 86399999999)]),
    ("timetz", ["14:30:00+05:30"], [struct.pack(">qi", 52200000000, -19800)]),
    ("timestamp", ["2024-01-15 14:30:00.5", "20000-01-01 00:00:00"], [struct.pack(">q", 758644200500000)]),
    ("timestamptz", ["2024-01-15 14:30:00+00"], [struct.pack(">q", -(1 << 63))]),
    ("interval", ["P1Y2M3DT4H5M6.5S"], []),
    ("inet", ["192.168.1.1", "::1"], []),
    ("citext", ["CaSe"], []),
    ("hstore", ['"a"=>"1", "b\\"\\\\"=>NULL', ""], []),
    ("vector", ["[1,2.5,-3e-07]"], []),
    ("mood", ["ok"], []),
    ("pair", ['(1,"a ""quoted"" \\\\")'], []),
    ("int8range", ["[1,10)", "empty"], []),
    ("tsrange", ['["2024-01-15 14:30:00","infinity")', "(,)"], []),
    ("tstzmultirange", ['{["2024-01-15 14:30:00+00",),(,"0001-01-01 00:00:00+00 BC"]}'], []),
]
INDEX = {name: number for number, (name, _, _) in enumerate(TYPES)}

ARRAYS = [("int4", "{1,NULL,-3}"), ("text", '{"a,b","q\\"\\\\",NULL,"NULL",""}'), ("text", "[0:1][-2:-1]={{a,b},{c,d}}"),
          ("json", '{"{\\"a\\": [1]}","\\"x\\""}'), ("timestamp", '{"2024-01-15 14:30:00",infinity}'),
          ("bytea", '{"\\\\xdead"}'), ("hstore", '{"\\"a\\"=>\\"1\\""}'), ("pair", '{"(1,\\"a b\\")"}'), ("float8", "{}")]

CONFIGS = [
    '{"host":"h","user":"u"}',
    '{"host":"h","port":5433,"user":"u","password":"p","database":"d","publication_name":"p","slot_name":"s",'
    '"watermarks_table":"public.w"}',
    '{"address":"[::1]:5432","user":"u","credentials":{"auth_type":"UserPassword","password":"p"},"historyMode":false,'
    '"advanced":{"publicationName":"p","slotName":"s","watermarksTable":"w.\\"x.y\\"","skip_backfills":"a.b,c.d",'
    '"backfill_chunk_size":10,"sslmode":"require","discover_schemas":["a"],"min_backfill_xid":"7",'
    '"statement_timeout":"1h30m","source_tag":"t"}}',
    '{"host":"/tmp","user":"u","advanced":{"backfill_workers":2,"memory_limit_mb":64,"state_type":"stream"}}',
    '{"hots":"h","user":"u"}', "{", "[]", '{"host":"\\u0000"}',
]

CATALOGS = [
    '{"streams":[{"stream":{"name":"t","namespace":"public"},"sync_mode":"incremental","primary_key":[["id"]]}],'
    '"estuary.dev/tail":true}',
    '{"streams":[{"stream":{"name":"t"},"sync_mode":"full_refresh","cursor_field":[]}],"tail":false}',
    '{"streams":[{"stream":{"name":"t"}},{"stream":{"name":"t"}}]}', '{"streams":null}', '{"streams":[]}',
]

WHOLE = ('{"cursor":"0/16B3748","system_identifier":"7300000000000000000","timeline":1,"slot":"s","database":"d",'
         '"unseen":[745],"streams":{"public.t":{"mode":"Backfill","key_columns":["id"],"backfilled":1000,'
         '"ranges":[{"scanned":["1000"],"until":["5000"]},{"scanned":["5000"]}]},'
         '"public.u":{"mode":"Backfill","snapshot":"10:20:11,12"},"public.v":{"mode":"Ignore"}}}')
STREAM = ('{"type":"STREAM","stream":{"stream_descriptor":{"namespace":"public","name":"t"},"stream_state":'
          '{"cursor":"0/16B3748","system_identifier":"7","timeline":1,"slot":"s","database":"d","mode":"Active",'
          '"key_columns":["id"]}}}')
GLOBAL = ('{"type":"GLOBAL","global":{"shared_state":{"cursor":"0/1","system_identifier":"7","timeline":1,"slot":"s",'
          '"database":"d"},"stream_states":[{"stream_descriptor":{"name":"t","namespace":"public"},'
          '"stream_state":{"mode":"Active","key_columns":["id"]}}]}}')
STATES = [WHOLE, GLOBAL, f"[{STREAM}]", f'[{{"type":"STATE","state":{GLOBAL}}}]', f'{{"type":"LEGACY","data":{WHOLE}}}',
          f"[{STREAM},{STREAM.replace('16B3748', '26B3748').replace('name', 'name', 1)}]", "[]", "{}", "null"]


def counted(data):
    return struct.pack(">I", len(data)) + data


def wal_tuple(*values):
    """None is null, ... an unchanged value, bytes a binary one."""
    coded = b""
    for value in values:
        coded += (b"n" if value is None else b"u" if value is ... else b"b" + counted(value) if isinstance(value, bytes)
                  else b"t" + counted(value.encode()))
    return struct.pack(">H", len(values)) + coded


def data_row(*values):
    return struct.pack(">H", len(values)) + b"".join(b"\xff\xff\xff\xff" if value is None else counted(value)
                                                     for value in values)


def begin(xid=7):
    return b"B" + struct.pack(">QqI", 0x2000, 1000000, xid)


COMMIT = b"C" + struct.pack(">BQQq", 0, 0x1FF8, 0x2000, 1000000)


def logical(transactional, prefix, content):
    return b"M" + struct.pack(">BQ", transactional, 0x1800) + prefix.encode() + b"\0" + counted(content)


def relation(oid, *columns):
    """columns: names and type choices; the first is the identity. Even choices are the types, odd ones arrays."""
    coded = b"".join(struct.pack(">B", number == 0) + name.encode() + b"\0" + struct.pack(">Ii", choice, -1)
                     for number, (name, choice) in enumerate(columns))
    return b"R" + struct.pack(">I", oid) + b"public\0t\0d" + struct.pack(">H", len(columns)) + coded


def messages(*parts):
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)


def block(xid, first, *parts):
    """Of an open transaction: each part is a subtransaction's id and a message."""
    kept = [part[:1] + struct.pack(">I", subxid) + part[1:] for subxid, part in parts]
    return messages(b"S" + struct.pack(">IB", xid, first), *kept, b"E")


def committed(xid):
    return messages(b"c" + struct.pack(">IBQQq", xid, 0, 0x1FF8, 0x2000, 1000000))


T = relation(1, ("id", 2 * INDEX["int4"]), ("a \"name\"", 2 * INDEX["text"]), ("list", 2 * INDEX["int4"] + 1))
OID = struct.pack(">I", 1)
STREAMS = [
    messages(begin(), T, b"I" + OID + b"N" + wal_tuple("1", "x", "{1,2}"), COMMIT),
    messages(begin(), T, b"U" + OID + b"N" + wal_tuple("1", ..., None), COMMIT),
    messages(begin(), T, b"U" + OID + b"K" + wal_tuple("1", None, None) + b"N" + wal_tuple("2", ..., "{}"), COMMIT),
    messages(begin(), T, b"U" + OID + b"O" + wal_tuple("1", "old", None) + b"N" + wal_tuple("1", ..., "{}"), COMMIT),
    messages(begin(), T, b"D" + OID + b"K" + wal_tuple("1", None, None), COMMIT, begin(8), COMMIT),
    messages(begin(), T, b"T" + struct.pack(">IB", 1, 0) + OID, COMMIT),
    messages(begin(), b"O" + bytes(8) + b"origin\0", b"Y" + OID + b"public\0type\0", T, relation(1, ("id", 6)),
             b"I" + OID + b"N" + wal_tuple(b"\1\2\3\4"), COMMIT),
    messages(begin(), relation(1), b"I" + OID + b"N" + wal_tuple(), COMMIT),
    block(7, 1, (7, T), (7, b"I" + OID + b"N" + wal_tuple("1", "x", "{1,2}")), (8, b"I" + OID + b"N" + wal_tuple("2", "y", "{}")))
    + messages(begin(), T, COMMIT) + block(9, 1) + messages(b"A" + struct.pack(">II", 7, 8), b"A" + struct.pack(">II", 9, 9))
    + block(7, 0, (7, b"D" + OID + b"K" + wal_tuple("1", None, None))) + committed(7),
    messages(begin(), logical(1, "app", b"content"), T, b"I" + OID + b"N" + wal_tuple("1", "x", "{}"), COMMIT, logical(0, "", b"\0\xff")),
]
ROWS = [
    bytes([3, 2 * INDEX["int4"], 2 * INDEX["text"], 2 * INDEX["numeric"]]) +
    data_row(struct.pack(">i", 1), b"x", None) + data_row(struct.pack(">i", 2), b"", b"-1234.56"),
    bytes([2, 2 * INDEX["uuid"], 2 * INDEX["bool"]]) + data_row(bytes(16), b"\1"),
    bytes([2, 2 * INDEX["int8"], 2 * INDEX["oid"]]) + data_row(bytes(8), bytes(4)),
    bytes([2, 2 * INDEX["text"] + 1, 2 * INDEX["timestamp"]]) + data_row(b"{a}", bytes(8)),
    bytes([0]) + data_row(),
]

def message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


def sent(stream, *pieces):
    """Pieces: what the server sends at once."""
    return bytes([stream]) + b"".join(bytes([len(piece)]) + piece for piece in pieces)


FAILURE = message(b"E", b"SERROR\0VERROR\0C42704\0Mpublication \"p\" does not exist\0Rroutine\0\0")
WIRES = [
    sent(0, message(b"1") + message(b"2") + message(b"T", b"\0\0") + message(b"D", data_row(b"x", None)) + message(b"C", b"SELECT 1\0")
         + message(b"Z", b"I")),
    sent(1, message(b"W", b"\0\0\0")[:5], message(b"W", b"\0\0\0")[5:] + message(b"d", b"w" + bytes(24) + begin())),
    sent(1, FAILURE + message(b"Z", b"I")),
    sent(1, message(b"N", FAILURE[5:].replace(b"42704", b"55000").replace(b"ERROR", b"WARNING"))),
    sent(0, b"D\0\0\0", b"\6\0", b"\0S\0\0\0\x08a\0b\0"),
    bytes([0, 0x83]) + b"D\0\0" + bytes([0x82]) + b"\0\6" + bytes([0x82]) + b"\0\0",
    sent(0, b"D\0\0\0\3"), sent(0, b"D\x7f\xff\xff\xff"), sent(0, b"Z\0\1\0\0"), sent(0, b"\0\0\0\0\4"),
]

KEYS = [("-5", "17"), ("4294967295", "0"), ("t", "f"), ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0"), ("a", "ab"),
        ("a ", "a"), ("\\xdead", "\\xde00"), ("2024-01-15 14:30:00.5+00", "0044-03-15 BC"), ("any", "any")]


def field(number, *content):
    """Of protobuf: bytes, or a message of fields."""
    content = b"".join(content)
    return bytes([number << 3 | 2, len(content)]) + content


CONFIG = b'{"address":"h","user":"u"}'
RESOURCE = b'{"namespace":"s","stream":"t"}'
CAPTURE = field(3, CONFIG) + field(4, field(1, RESOURCE), field(2, b"s"), field(3, field(3, b"/a")), field(5, b"k"))
FRAMES = [field(1), field(2, field(2, CONFIG)), field(3, field(3, CONFIG), field(4, field(1, RESOURCE)), field(7, field(3, b"/a"))),
          field(4, field(1, CAPTURE)), field(5, field(1, CAPTURE), field(4, b'{"bindingStateV1":{"k":{"mode":"Active"}},"cursor":"0/1"}')),
          field(6, b"\x08\x02")]
REQUESTS = ['{"spec":{}}', '{"discover":{"config":{"address":"h","user":"u","networkTunnel":{}}}}', '{"acknowledge":{"checkpoints":2}}',
            '{"validate":{"config":{"host":"h","user":"u"},"bindings":[{"resourceConfig":{"namespace":"s","stream":"t","mode":"Precise"},'
            '"collectionIndex":0}],"linkedCollections":[{"key":["/a~1"]}],"lastCapture":{"bindings":[{"backfill":1}]}}}',
            '{"open":{"capture":{"config":{"host":"h","user":"u"},"bindings":[{"resourceConfig":{"namespace":"s","stream":"t"}}]},'
            '"state":{"cursor":"0/1","streams":{}}}}\n{"acknowledge":{}}']


def write(target, seeds):
    directory = os.path.join(HERE, "corpus", target)
    os.makedirs(directory, exist_ok=True)
    for name, seed in seeds:
        with open(os.path.join(directory, name), "wb") as file:
            file.write(seed)


def numbered(seeds):
    return [(f"{number:02}", seed if isinstance(seed, bytes) else seed.encode()) for number, seed in enumerate(seeds)]


def main():
    write("text_values", [(f"{name}-{number}", bytes([2 * INDEX[name]]) + text.encode())
                          for name, texts, _ in TYPES for number, text in enumerate(texts)])
    write("text_values", [(f"{name}-array-{number}", bytes([2 * INDEX[name] + 1]) + text.encode())
                          for number, (name, text) in enumerate(ARRAYS)])
    write("binary_values", [(f"{name}-{number}", bytes([INDEX[name]]) + value)
                            for name, _, values in TYPES for number, value in enumerate(values)])
    write("config", numbered(CONFIGS))
    write("catalog", numbered(CATALOGS))
    write("state", numbered(STATES))
    write("decode", numbered(STREAMS))
    write("rows", numbered(ROWS))
    write("flow", numbered([b"\0" + request.encode() for request in REQUESTS] +
                           [b"\1" + frame for frame in FRAMES] + [b"\1" + b"".join(struct.pack("<I", len(frame)) + frame for frame in FRAMES)]))
    write("wire", numbered(WIRES))
    write("keys", numbered(bytes([order, len(one)]) + (one + two).encode() for order, (one, two) in enumerate(KEYS)))


if __name__ == "__main__":
    main()
