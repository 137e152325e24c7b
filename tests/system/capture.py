"""A capture over several runs, as a platform drives it: files in, records and states kept, resumed from them.

Of each run only the records before its last STATE count: what follows is repeated by the next run.
"""

import json
import os

from connector import LIMIT_S, Run
from oracle import Materialised


def stream(name, namespace="public", key=None, sync_mode="incremental", **more):
    """A configured stream of the catalog; `key` overrides the table's own."""
    configured = {
        "stream": {"name": name, "namespace": namespace, "json_schema": {"type": "object"},
                   "supported_sync_modes": ["full_refresh", "incremental"]},
        "sync_mode": sync_mode, "cursor_field": [], "destination_sync_mode": "append",
        "generation_id": 1, "sync_id": 7, **more}
    if key:
        configured["primary_key"] = [[column] for column in key]
    return configured


class Capture:
    def __init__(self, of, directory, streams, tail=False, **options):
        self.database = of
        self.directory = str(directory)
        self.streams = [stream(name) if isinstance(name, str) else name for name in streams]
        self.tail = tail
        self.config = of.config(**options)
        self.state = None  # what the next run is given: a list of state messages
        self.records = []  # those that count
        self.sent = None  # a list, for a destination that keeps all: those of each run, in order
        self.runs = []
        self.unreported = {}  # table -> positions in the WAL at which the stream began to lack something of it
        self.truncations = {}

    def path(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return path

    def arguments(self):
        arguments = ["--config", self.path("config.json", self.config),
                     "--catalog", self.write_catalog()]
        if self.state is not None:
            arguments += ["--state", self.path("state.json", self.state)]
        return arguments

    def start(self, **options):
        process = Run("read", *self.arguments(), server_activity=self.database.activity, **options)
        self.runs.append(process)
        return process

    def run(self, limit_s=LIMIT_S):
        """One run to its final watermark."""
        return self.keep(self.start().succeed(limit_s))

    def keep(self, process):
        """Take over what a finished run achieved, and check the laws of its states."""
        check_states(process.messages)
        last = last_states(process.messages)
        for index, message in enumerate(process.messages):
            if message["type"] == "RECORD":
                record = message["record"]
                if self.sent is not None:
                    self.sent.append(record)
                if index < max(last.get((record["namespace"], record["stream"]), -1), last.get(None, -1)):
                    self.records.append(record)
        kept = process.messages[:max(last.values(), default=-1) + 1]
        states = [message["state"] for message in kept if message["type"] == "STATE"]
        if states:
            self.state = latest_states(states, self.state)
        return process

    def materialised(self, keys, lives=None):
        """Feed all records that count to an oracle; `keys`: table or (namespace, table) -> columns, `lives`: -> how many
        lives it may have."""
        oracle = Materialised(by_stream(keys), by_stream(lives or {}))
        oracle.know(by_stream(self.unreported), by_stream(self.truncations))
        oracle.apply(self.records)
        return oracle

    def assert_equal(self, **keys):
        self.materialised(keys).assert_equal(self.database)

    def write_catalog(self):
        """The streams as they are now, where a running process looks for them after a SIGHUP."""
        return self.path("catalog.json", {"streams": self.streams, "tail": self.tail})

    def kill_all(self):
        for process in self.runs:
            if process.process.poll() is None:
                process.process.kill()
                process.process.wait()


class Spilled:
    """Records in a file, for more of them than memory should hold."""

    def __init__(self, path):
        self.path = path
        self.count = 0
        self.file = open(path, "w", encoding="utf-8")

    def append(self, record):
        json.dump(record, self.file)
        self.file.write("\n")
        self.count += 1

    def __len__(self):
        return self.count

    def __iter__(self):
        self.file.flush()
        with open(self.path, encoding="utf-8") as file:
            yield from map(json.loads, file)


def by_stream(values):
    """A table that is named alone is in `public`."""
    return {("public", name) if isinstance(name, str) else name: value for name, value in values.items()}


def last_states(messages):
    """The cursor of the last state: of each stream for states by stream, else under None."""
    last = {}
    for index, message in enumerate(messages):
        if message["type"] == "STATE":
            descriptor = message["state"].get("stream", {}).get("stream_descriptor")
            last[(descriptor["namespace"], descriptor["name"]) if descriptor else None] = index
    return last


def latest_states(states, before):
    """The states that a platform would hand back: the last GLOBAL state, or the last STREAM state of each stream."""
    if states[-1].get("type") != "STREAM":
        return [states[-1]]
    streams = {}
    for state in [one for one in before or [] if one.get("type") == "STREAM"] + states:
        streams[json.dumps(state["stream"]["stream_descriptor"], sort_keys=True)] = state
    return list(streams.values())


def check_states(messages):
    """Never two equal states in a row; each counts the records since the one before it."""
    previous, counted = None, {}
    for message in messages:
        if message["type"] == "RECORD":
            name = (message["record"]["namespace"], message["record"]["stream"])
            counted[name] = counted.get(name, 0) + 1
        if message["type"] != "STATE":
            continue
        state = message["state"]
        content = {name: value for name, value in state.items() if name != "sourceStats"}
        assert content != previous, f"the same state twice in a row: {content}"
        previous = content
        if state.get("type") == "STREAM":
            descriptor = state["stream"]["stream_descriptor"]
            expected = counted.pop((descriptor["namespace"], descriptor["name"]), 0)
        else:
            expected, counted = sum(counted.values()), {}
        assert state["sourceStats"]["recordCount"] == expected, (
            f"recordCount {state['sourceStats']['recordCount']}, but {expected} records")
        assert f'"recordCount":{expected}.0' in message["raw"], message["raw"][-200:]
