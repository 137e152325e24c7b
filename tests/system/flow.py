"""Driving the connector as Flow does: requests in, responses out, documents and states committed together."""

import json
import subprocess
import threading
from urllib.parse import quote

from google.protobuf.message import DecodeError

import flow_proto
from capture import by_stream
from connector import LIMIT_S, PATIENCE, SANITIZER_MARKS, Run
from flow_protocol import Session, check_log, merge_patch
from oracle import Materialised
from server import PASSWORD


class Process(Run):
    """One process. `messages` are its responses, as they are in JSON."""

    codec = "json"  # what a test's processes speak

    def __init__(self, **variables):
        self.committed = 0  # messages that a commit took
        self.lock = threading.Lock()
        self.session = Session()
        super().__init__(stdin=subprocess.PIPE, FLOW_RUNTIME_CODEC=self.codec, **variables)

    def send(self, *requests):
        """A text goes as it is."""
        with self.lock:
            for request in requests:
                self.session.requested(request)
                if self.codec == "proto":
                    line = flow_proto.encode(request)
                else:
                    line = (request if isinstance(request, str) else json.dumps(request) + "\n").encode()
                self.process.stdin.write(line)

    def cut(self, data):
        return flow_proto.frames(data) if self.codec == "proto" else super().cut(data)

    def ask(self, request, limit_s=LIMIT_S):
        """A request before open, and its response's body."""
        count = len(self.messages)
        self.send(request)
        self.wait_for(lambda run: len(run.messages) > count, limit_s)
        return next(iter(self.messages[count].values()))

    def end_input(self):
        self.process.stdin.close()

    def of_kind(self, kind):
        return [message[kind] for message in list(self.messages) if kind in message]

    @property
    def docs(self):
        return self.of_kind("captured")

    @property
    def errors(self):
        return [entry["msg"] for entry in map(json.loads, self.stderr.splitlines()) if entry["level"] == "error"]

    def wait_for_docs(self, count, limit_s=LIMIT_S):
        return self.wait_for(lambda run: len(run.docs) >= count, limit_s)

    def wait_for_quiet(self, count, limit_s=LIMIT_S):
        """Wait for `count` documents and a checkpoint after them."""
        return self.wait_for(lambda run: len(run.docs) >= count and "checkpoint" in run.messages[-1], limit_s)

    def wait_for_active(self, limit_s=LIMIT_S):
        """Wait until the rows of every stream are out."""
        return self.wait_for(lambda run: set(run.modes().values()) == {"Active"}, limit_s)

    def modes(self):
        """The modes of all streams, once a checkpoint has the position of the session."""
        streams = self.session.state.get("streams", {}) if self.session.cursor is not None else {}
        return {name: stream["mode"] for name, stream in streams.items()}

    def collect(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        super().collect()

    def take_line(self, line):
        try:
            message = flow_proto.decode(line) if self.codec == "proto" else json.loads(line)
            self.session.check(message)
        except (ValueError, AssertionError, LookupError, TypeError, DecodeError) as error:
            self.broken = self.broken or line + b" " + repr(error).encode()
            return
        self.messages.append(message)

    def check_laws(self):
        for mark in SANITIZER_MARKS:
            assert mark not in self.stderr, self.stderr[-20000:]
        assert self.broken is None, f"no proper response: {self.broken[:2000]!r} … {self.broken[-1000:]!r}"
        assert PASSWORD not in self.stderr, "the password is in the log"
        others = json.dumps([message for message in self.messages if "captured" not in message])
        assert PASSWORD not in others, "the password is in a message"
        check_log(self.stderr)
        if self.process.returncode and self.process.returncode > 0:
            assert json.loads(self.stderr.splitlines()[-1])["level"] == "error", self.stderr

    def story(self):
        counts = {}
        for message in list(self.messages):
            kind = next(iter(message))
            counts[kind] = counts.get(kind, 0) + 1
        return f"messages: {counts}\nstderr:\n{self.stderr[-3000:]}"


def binding(stream, namespace="public", key=("id",), backfill=0, **resource):
    """A binding of an open request. `key` names columns; without one the collection is keyed by the place in the
    log. `resource` adds to its resource config."""
    pointers = ["/" + column.replace("~", "~0").replace("/", "~1") for column in key] or [
        f"/_meta/source/loc/{index}" for index in range(3)]
    state_key = quote(f"{namespace}/{stream}", safe="-_+.=") + (f".v{backfill}" if backfill else "")
    return {"resourceConfig": {"namespace": namespace, "stream": stream, **resource},
            "resourcePath": [namespace, stream], "backfill": backfill, "stateKey": state_key,
            "collection": {"name": f"acme/{namespace}/{stream}", "key": pointers, "partitionFields": [], "projections": [{"ptr": "/_meta", "field": "_meta"}]}}


class Capture:
    """A capture over several sessions: documents count once the checkpoint after them is committed."""

    def __init__(self, of, bindings, **options):
        self.database = of
        self.bindings = [binding(one) if isinstance(one, str) else one for one in bindings]
        self.config = of.config(**options)
        self.state = {}
        self.records = []
        self.runs = []

    def request(self):
        return {"open": {"capture": {"name": "acme/capture", "connectorType": "IMAGE", "config": self.config,
                                     "bindings": self.bindings, "intervalSeconds": 300},
                         "version": "00112233", "state": self.state,
                         "range": {"keyEnd": 4294967295, "rClockEnd": 4294967295}}}

    def start(self, **variables):
        process = Process(**variables)
        self.runs.append(process)
        process.send(self.request())
        return process

    def commit(self, process, acknowledge=True, most=None):
        """Take everything up to the last checkpoint, or `most` checkpoints; returns how many that was."""
        messages = list(process.messages)
        ends = [index + 1 for index, message in enumerate(messages)
                if index >= process.committed and "checkpoint" in message]
        end = (ends[:most] or [0])[-1]
        count = 0
        for message in messages[process.committed:end]:
            if "captured" in message:
                self.records.append(self.record(message["captured"]))
            if "checkpoint" in message:
                self.state = merge_patch(self.state, message["checkpoint"]["state"]["updated"])
                count += 1
        process.committed = max(end, process.committed)
        if count and acknowledge and process.process.poll() is None:
            try:
                process.send({"acknowledge": {"checkpoints": count} if count > 1 else {}})
            except BrokenPipeError:
                pass  # it has just ended
        return count

    def record(self, captured):
        resource = self.bindings[captured["binding"]]["resourceConfig"]
        return {"namespace": resource["namespace"], "stream": resource["stream"], "data": captured["doc"]}

    def run(self, limit_s=LIMIT_S):
        """One session that ends by itself once it is caught up."""
        process = self.start(SHUTDOWN_AFTER_POLLING="yes").succeed(limit_s)
        self.commit(process)
        return process

    def kill(self, process):
        """kill -9, and what came up to a checkpoint before that may still be committed."""
        process.kill()
        self.commit(process)

    def materialised(self, keys, lives=None):
        result = Materialised(by_stream(keys), by_stream(lives or {}))
        result.apply(self.records)
        return result

    def assert_equal(self, **keys):
        self.materialised(keys).assert_equal(self.database)

    def kill_all(self):
        for process in self.runs:
            if process.process.poll() is None:
                process.process.kill()
                process.process.wait()


def validate(database, *bindings, **options):
    return {"validate": {"name": "acme/capture", "connectorType": "IMAGE", "config": database.config(**options),
                         "bindings": list(bindings), "lastCapture": {"name": "acme/capture"}, "lastVersion": "11"}}


def ended(process, limit_s=20 * PATIENCE):
    """Its exit code, after the end of its input."""
    process.end_input()
    return process.finish(limit_s).process.returncode


def assert_refused(process, *words):
    process.finish(20 * PATIENCE)
    assert process.process.returncode > 0, process.story()
    last = json.loads(process.stderr.splitlines()[-1])
    assert last["level"] == "error"
    for word in words:
        assert word in last["msg"], last["msg"]


def flushed(database):
    """The slot's confirmed position, as a number of bytes."""
    return database.value("SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots"
                          " WHERE slot_name = %s", (database.slot,))
