"""What tests/run.sh runs; see there.

A platform in small: it starts the connector, takes documents, and commits them to SQLite in one transaction with the
state that came behind them. What came after the last state is forgotten, as the next session brings it again.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

from connector import executable  # noqa: E402
from end_to_end_destination import Destination, plain  # noqa: E402
from end_to_end_source import NAME, ROWS, TABLES, Writer, connect, database, load, rows, unload  # noqa: E402
import flow_proto  # noqa: E402
from flow_protocol import merge_patch  # noqa: E402
from image import Executable, image  # noqa: E402

LIMIT_S = 240
CHANGES_EACH = 500
QUEUED_LINES = 100


def connector():
    name = os.environ.get("CONNECTOR")
    if not name:
        return Executable(executable())
    if os.path.isfile(name) or name.startswith(("/", ".")):
        if not os.path.isfile(name) or not os.access(name, os.X_OK):
            raise SystemExit(f"CONNECTOR is no executable: {name}")
        return Executable(name)
    return image(f"{name}:{os.environ.get('VERSION', 'latest')}")


class Platform:
    """One connector in one directory, and where its documents go."""

    def __init__(self, program, directory, source, slot):
        self.program, self.directory = program, directory
        self.destination = Destination()
        self.pending = []
        self.config = {"host": source["host"], "port": int(source["port"]), "user": source["user"],
                       "password": source["password"], "database": source["dbname"], "slot_name": slot,
                       "publication_name": NAME, "watermarks_table": f"{NAME}.watermarks",
                       "advanced": {"backfill_chunk_size": 1000, "discover_schemas": [NAME]}}

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.chmod(path, 0o644 if self.program.is_image else 0o600)  # a container has a user of its own
        return path

    variables = {}  # of every run's environment

    @staticmethod
    def encode(request):
        return json.dumps(request).encode() + b"\n"

    @staticmethod
    def decode(line):
        return json.loads(line, parse_float=str)  # which keeps each digit

    @staticmethod
    def cut(data):
        *lines, rest = data.split(b"\n")
        return lines, rest

    def ask(self, *arguments, requests=()):
        """The answers of a run that ends by itself."""
        done = subprocess.run(self.program.command(arguments, self.directory, **self.variables), capture_output=True, timeout=60,
                              check=False, env={**os.environ, **self.variables}, input=b"".join(map(self.encode, requests)))
        if done.returncode != 0:
            raise SystemExit(f"the connector ended with {done.returncode}:\n{done.stderr.decode()[-3000:]}")
        return [self.decode(message) for message in self.cut(done.stdout)[0]]

    def session(self, enough=None, end=signal.SIGTERM):
        """Run until `enough()` and end it then; without it until it ends by itself."""
        arguments, variables = self.arguments(tail=enough is not None)
        variables = {**variables, **self.variables}
        self.pending = []
        process = subprocess.Popen(self.program.command(arguments, self.directory, **variables), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **variables})
        log, lines = [], queue.Queue(QUEUED_LINES)  # bounded: the connector is never far ahead of what was taken
        for work in (lambda: log.extend(process.stderr), lambda: self.read(process.stdout, lines)):
            threading.Thread(target=work, daemon=True).start()
        try:
            self.begin(process)
            ended = self.serve(process, lines, enough, end)
            code = process.wait(30)
        finally:
            if process.poll() is None:
                self.program.send_signal(process, signal.SIGKILL)
                process.kill()
                process.wait()
        if code != 0 and not (ended and end == signal.SIGKILL):
            raise SystemExit(f"the connector ended with {code}:\n" + b"".join(log).decode()[-3000:])
        if enough and not ended:
            raise SystemExit("the connector ended before it was told to")

    def serve(self, process, lines, enough, end):
        """Take all that comes; returns whether the process was told to end."""
        ended = False
        while (line := lines.get()) is not None:
            self.take(self.decode(line), process)
            if enough and not ended and enough():
                # Beside the reading, as an image's client may not return before what it printed is taken.
                threading.Thread(target=self.program.send_signal, args=(process, end), daemon=True).start()
                ended = True
        return ended

    def settle(self, state):
        self.destination.commit(self.pending, state)
        self.pending = []

    def read(self, stream, messages):
        rest = b""
        while data := stream.read1():
            whole, rest = self.cut(rest + data)
            for message in whole:
                messages.put(message)
        messages.put(None)


class Airbyte(Platform):
    def prepare(self):
        path = self.file("config.json", self.config)
        spec, = self.ask("spec")
        assert spec["type"] == "SPEC", spec
        status = self.ask("check", "--config", path)[-1]["connectionStatus"]
        if status["status"] != "SUCCEEDED":
            raise SystemExit(f"check: {status['message']}")
        streams = self.ask("discover", "--config", path)[-1]["catalog"]["streams"]
        assert {stream["name"] for stream in streams} == set(TABLES), streams
        self.streams = [{"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup",
                         "cursor_field": [], "primary_key": stream["source_defined_primary_key"]} for stream in streams]

    def arguments(self, tail):
        state = self.destination.state()
        return ["read", "--config", self.file("config.json", self.config),
                "--catalog", self.file("catalog.json", {"streams": self.streams, "tail": tail}),
                "--state", self.file("state.json", [state] if state else [])], {}

    def begin(self, process):
        process.stdin.close()

    def take(self, message, _):
        if message["type"] == "RECORD":
            self.pending.append((message["record"]["stream"], message["record"]["data"]))
        elif message["type"] == "STATE":
            self.settle(message["state"])


class Flow(Platform):
    variables = {"FLOW_RUNTIME_CODEC": "json"}

    def prepare(self):
        spec, discovered = self.ask(requests=({"spec": {}}, {"discover": {"config": self.config}}))
        assert "spec" in spec, spec
        found = discovered["discovered"]["bindings"]
        self.tables = [one["resourceConfig"]["stream"] for one in found]
        assert set(self.tables) == set(TABLES), found
        self.bindings = [{"resourceConfig": one["resourceConfig"],
                          "collection": {"name": f"acme/{one['recommendedName']}", "key": one["key"]}} for one in found]
        validated, = self.ask(requests=({"validate": {"name": "acme/capture", "config": self.config,
                                                      "bindings": self.bindings}},))
        for binding, answer in zip(self.bindings, validated["validated"]["bindings"], strict=True):
            binding["resourcePath"] = answer["resourcePath"]
            binding["stateKey"] = "%2F".join(answer["resourcePath"])
        self.capture = {"name": "acme/capture", "config": self.config, "bindings": self.bindings}
        applied, = self.ask(requests=({"apply": {"capture": self.capture, "version": "1"}},))
        assert "applied" in applied, applied

    def arguments(self, tail):
        return [], {} if tail else {"SHUTDOWN_AFTER_POLLING": "yes"}

    def begin(self, process):
        self.send(process, {"open": {"capture": self.capture, "version": "1", "state": self.destination.state() or {}}})

    def send(self, process, request):
        with contextlib.suppress(BrokenPipeError):  # it may have ended meanwhile
            process.stdin.write(self.encode(request))
            process.stdin.flush()

    def take(self, message, process):
        if "captured" in message:
            self.pending.append((self.tables[message["captured"].get("binding", 0)], message["captured"]["doc"]))
        elif "checkpoint" in message:
            self.settle(merge_patch(self.destination.state() or {}, message["checkpoint"]["state"]["updated"]))
            self.send(process, {"acknowledge": {"checkpoints": 1}})


class FlowProto(Flow):
    variables = {"FLOW_RUNTIME_CODEC": "proto"}
    encode = staticmethod(flow_proto.encode)
    decode = staticmethod(flow_proto.decode)
    cut = staticmethod(flow_proto.frames)


# The test.


def amid_rows(platform, end):
    """A session that ends while the rows that were there before are still coming."""
    counts = platform.destination.counts
    before = counts["c"]
    platform.session(lambda: counts["c"] > before, end)
    if counts["c"] >= ROWS:
        raise SystemExit("the rows were out before the session could be ended")


def amid_changes(platform, end):
    """A session that ends while changes are coming."""
    counts = platform.destination.counts
    before = dict(counts)

    def enough():
        return counts["u"] + counts["d"] >= before["u"] + before["d"] + CHANGES_EACH

    platform.session(enough, end)


def compare(name, platform, cursor):
    counts = platform.destination.counts
    print(f"{name}: {counts['c']} creates, {counts['u']} updates, {counts['d']} deletes")
    for table in TABLES:
        expected = {row[0]: tuple(map(plain, row)) for row in rows(cursor, table)}
        found = {row[0]: row for row in platform.destination.rows(table)}
        wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        for key in wrong[:5]:
            print(f"  {key}:\n    PostgreSQL {expected.get(key)}\n    SQLite     {found.get(key)}")
        if wrong:
            raise SystemExit(f"{name}: {len(wrong)} of {len(expected)} rows of {table} differ")


def run(source, cursor, directory, program):
    platforms = {}
    for name, kind in (("Airbyte", Airbyte), ("Flow", Flow), ("Flow by protobuf", FlowProto)):
        slot = f"{NAME}_{name.lower().replace(' ', '_')}"
        os.makedirs(os.path.join(directory, slot))
        platforms[name] = kind(program, os.path.join(directory, slot), source, slot)
    writer = Writer(source)
    writer.start()
    try:
        for platform in platforms.values():
            platform.prepare()
            for session in (amid_rows, amid_changes):
                for end in (signal.SIGTERM, signal.SIGKILL):
                    session(platform, end)
    finally:
        writer.finish()
    print(f"{writer.count} transactions beside the captures")
    for name, platform in platforms.items():
        platform.session()
        compare(name, platform, cursor)


def expired(*_):
    raise SystemExit(f"not done after {LIMIT_S} s")


def told_to_stop(*_):
    raise SystemExit("stopped by a signal")


def main():
    signal.signal(signal.SIGALRM, expired)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told_to_stop)
    signal.alarm(LIMIT_S)
    with contextlib.closing(connector()) as program, database(LIMIT_S + 60) as source, \
            contextlib.closing(connect(source)) as connection, connection.cursor() as cursor, \
            tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        try:
            load(cursor)
            run(source, cursor, directory, program)
        finally:
            unload(cursor)
    print("both protocols: SQLite and PostgreSQL are equal")


if __name__ == "__main__":
    main()
