"""Running the connector: one process, its messages as they come, its end, and what it took.

Every wait has a limit, and a process that outlives its limit is killed. What must hold for every run
(no password anywhere, no sanitizer's complaint, one JSON object a line) is checked at its end.
"""

import fcntl
import glob
import json
import os
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time

from server import PASSWORD

# Sanitizers and slow machines need more patience: SYSTEM_PATIENCE multiplies every limit.
PATIENCE = float(os.environ.get("SYSTEM_PATIENCE", "1"))
LIMIT_S = 60 * PATIENCE
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "runtime error:",
                   "ThreadSanitizer")

# The messages of all runs, one per line, for the platform's own models to judge. Of a run's records the first
# RECORDS_KEPT, and from then on one in RECORDS_KEPT.
all_messages = tempfile.NamedTemporaryFile(prefix="source-postgres-messages-")
RECORDS_KEPT = 100


def executable():
    """SOURCE_POSTGRES, else the newest build in the source tree."""
    if "SOURCE_POSTGRES" in os.environ:
        return os.path.abspath(os.environ["SOURCE_POSTGRES"])
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    built = glob.glob(os.path.join(root, "build*", "src", "source-postgres"))
    if not built:
        raise RuntimeError("source-postgres is not built: build it, or name it in SOURCE_POSTGRES")
    return max(built, key=os.path.getmtime)


class Run:
    """One process. `consumer`, if given, takes each message instead of the list `messages`; the first message for
    which `pause_at` holds stops the process; with `terminal` its log goes to a terminal, on which it draws its progress,
    and which has that many columns where it is a number;
    `variables` are added to its environment."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, consumer=None, pause_at=None,
                 server_activity=lambda: "not known", terminal=False, **variables):
        self.arguments = arguments
        self.server_activity = server_activity
        self.messages = []
        self.stderr = ""
        self.rest = b""  # what came after the last newline
        self.record_count = 0
        self.broken = None  # the first line that is not a JSON object
        self.peak_kib = 0
        self.changed = threading.Condition()
        self.reading = threading.Event()
        self.reading.set()
        self.consumer = consumer or self.messages.append
        self.pause_at = pause_at
        self.paused = threading.Event()
        stderr = subprocess.PIPE
        if terminal:
            self.terminal, stderr = os.openpty()
            fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 0 if terminal is True else terminal, 0, 0))
        self.process = subprocess.Popen([executable(), *arguments], stdin=stdin, stdout=stdout,
                                        stderr=stderr, bufsize=0, env={**environment(), **variables})
        if terminal:
            os.close(stderr)
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.read_stdout, self.read_terminal if terminal else self.read_stderr, self.watch_memory)
                        if work != self.read_stdout or stdout == subprocess.PIPE]
        for thread in self.threads:
            thread.start()

    # The messages so far.

    def of_type(self, kind):
        return [message for message in list(self.messages) if message["type"] == kind]

    @property
    def records(self):
        return [message["record"] for message in self.of_type("RECORD")]

    @property
    def states(self):
        return [message["state"] for message in self.of_type("STATE")]

    @property
    def errors(self):
        """The `error` of each TRACE ERROR."""
        return [message["trace"]["error"] for message in self.of_type("TRACE")
                if message["trace"]["type"] == "ERROR"]

    def records_of(self, table):
        return [record for record in self.records if record["stream"] == table]

    # Waiting and ending.

    def wait_until_paused(self):
        assert self.paused.wait(LIMIT_S), f"what was to stop the process did not come\n{self.story()}"
        return self

    def go_on(self, pause_at=None):
        """Let the process run on after a pause; up to the next one, if it is given."""
        self.paused.clear()
        self.pause_at = pause_at
        self.process.send_signal(signal.SIGCONT)
        return self

    def wait_for(self, condition, limit_s=LIMIT_S):
        """Wait until condition(self) holds; fail when the process ends before, or the limit passes."""
        deadline = time.monotonic() + limit_s
        while not condition(self):
            ended = self.process.poll() is not None and not self.threads[0].is_alive()
            if condition(self):
                return self
            if ended or self.broken or time.monotonic() > deadline:
                doing = "" if ended else self.doing()
                self.kill()
                why = f"the connector ended with {self.process.returncode}" if ended else f"{limit_s} s passed"
                raise AssertionError(f"{why} before what was waited for came\n{self.story()}{doing}")
            with self.changed:
                self.changed.wait(0.05)
        return self

    def wait_for_records(self, count, limit_s=LIMIT_S):
        return self.wait_for(lambda run: len(run.records) >= count, limit_s)

    def wait_for_state(self, after=0, limit_s=LIMIT_S):
        """Wait until a STATE has come after the first `after` records."""
        return self.wait_for(lambda run: run.records_before_last_state() >= after and run.states, limit_s)

    def wait_for_active(self, limit_s=LIMIT_S):
        """Wait until every stream's rows are out: from then on there are only changes."""
        return self.wait_for(lambda run: set(run.modes().values()) == {"Active"}, limit_s)

    def modes(self):
        """The mode of each stream by the last states: Backfill, Active …"""
        modes = {}
        for state in self.states:
            if state["type"] == "GLOBAL":
                modes = {name: one["mode"] for name, one in whole(state)["streams"].items()}
            else:
                modes[json.dumps(state["stream"]["stream_descriptor"])] = state["stream"]["stream_state"]["mode"]
        return modes

    def records_before_last_state(self):
        count = before = 0
        for message in list(self.messages):
            count += message["type"] == "RECORD"
            if message["type"] == "STATE":
                before = count
        return before

    def finish(self, limit_s=LIMIT_S):
        """Wait for the process to end by itself; returns the run."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            doing = self.doing()
            self.kill()
            raise AssertionError(f"still running after {limit_s} s\n{self.story()}{doing}") from None
        self.collect()
        return self

    def succeed(self, limit_s=LIMIT_S):
        self.finish(limit_s)
        assert self.process.returncode == 0, f"exit {self.process.returncode}\n{self.story()}"
        return self

    def stop(self, number=signal.SIGTERM, limit_s=10 * PATIENCE):
        """Ask it to stop, and expect exit 0."""
        self.process.send_signal(number)
        return self.succeed(limit_s)

    def kill(self):
        """kill -9; then read what it had written."""
        self.process.kill()
        self.process.wait()
        self.collect()
        return self

    def collect(self):
        self.reading.set()
        for thread in self.threads:
            thread.join(LIMIT_S)
        self.check_laws()

    def check_laws(self):
        for mark in SANITIZER_MARKS:
            assert mark not in self.stderr, self.stderr[-20000:]
        assert self.broken is None, f"not a JSON object: {self.broken[:300]!r} … {self.broken[-300:]!r}"
        assert PASSWORD not in self.stderr, "the password is in the log"
        others = json.dumps([message for message in self.messages if message["type"] != "RECORD"])
        assert PASSWORD not in others, "the password is in a message"

    def story(self):
        """The end of its output, for a failing test."""
        counts = {}
        for message in list(self.messages):
            counts[message["type"]] = counts.get(message["type"], 0) + 1
        return f"messages: {counts}\nerrors: {self.errors}\nstderr:\n{self.stderr[-3000:]}"

    def doing(self):
        """Where it hangs: the system call that each of its threads is in, and what the server does for it."""
        lines = []
        for task in sorted(glob.glob(f"/proc/{self.process.pid}/task/*")):
            lines.append(" ".join(read_text(f"{task}/{name}") for name in ("comm", "wchan", "syscall")))
        return "\n".join(["\nthreads:", *lines, "server:", self.server_activity()])

    # The threads.

    def read_stdout(self):
        rest = b""
        while True:
            self.reading.wait()
            block = os.read(self.process.stdout.fileno(), 1 << 18)
            if not block:
                break
            lines, rest = self.cut(rest + block)
            for line in lines:
                self.take_line(line)
            with self.changed:
                self.changed.notify_all()
        self.rest = rest
        self.process.stdout.close()

    @staticmethod
    def cut(data):
        """Split into lines, and the rest after the last."""
        *lines, rest = data.split(b"\n")
        return lines, rest

    def take_line(self, line):
        try:
            message = json.loads(line)
            assert isinstance(message, dict) and "type" in message
        except (ValueError, AssertionError):
            self.broken = self.broken or line
            return
        self.keep_for_judgement(message["type"], line)
        if message["type"] == "STATE":
            message["raw"] = line.decode()
        self.consumer(message)
        if self.pause_at and self.pause_at(message):
            self.pause_at = None
            self.process.send_signal(signal.SIGSTOP)
            self.paused.set()

    def keep_for_judgement(self, kind, line):
        self.record_count += kind == "RECORD"
        if kind != "RECORD" or self.record_count <= RECORDS_KEPT or self.record_count % RECORDS_KEPT == 0:
            all_messages.write(line + b"\n")

    def read_stderr(self):
        for line in self.process.stderr:
            self.stderr += line.decode("utf-8", "replace")
        self.process.stderr.close()

    def read_terminal(self):
        """A terminal that is not written to any more has no end of file: reading it fails."""
        try:
            while block := os.read(self.terminal, 1 << 16):
                self.stderr += block.decode("utf-8", "replace").replace("\r\n", "\n")
        except OSError:
            pass
        os.close(self.terminal)

    def watch_memory(self):
        """VmHWM only grows, so the last look before the end is the peak."""
        while self.process.returncode is None:
            try:
                with open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") as status:
                    for line in status:
                        if line.startswith("VmHWM"):
                            self.peak_kib = max(self.peak_kib, int(line.split()[1]))
            except OSError:
                return
            time.sleep(0.02)


def whole(state):
    """The contents of a GLOBAL state, as one document."""
    streams = {f"{one['stream_descriptor']['namespace']}.{one['stream_descriptor']['name']}": one["stream_state"]
               for one in state["global"]["stream_states"]}
    return {**state["global"]["shared_state"], "streams": streams}


def read_text(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError as error:
        return str(error)


def environment():
    """Our environment, without variables by which libpq would find a password or a server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def run(*arguments, **options):
    """Run to the end, whatever the exit code is."""
    return Run(*arguments, **options).finish()
