"""A capture that goes on: whole lines of what it prints are taken as they come."""

import fcntl
import os
import signal
import subprocess
import threading
import time

import measured

F_SETPIPE_SZ = 1031


def transports(bench):
    """Over which such captures are measured: the first, and all that are far."""
    return list(dict.fromkeys([bench.transports[0], *bench.place.relays]))


class Tail:
    """`take(lines, now)` of who inherits it gets what was printed, in a thread of its own."""

    def __init__(self, bench, program, transport, slot, names, **advanced):
        command = bench.capture(program, transport, slot, names, tail=True, skip_backfills="*.*", **advanced)
        self.process = measured.start(command, bench.place.variables, subprocess.PIPE, subprocess.DEVNULL)
        fcntl.fcntl(self.process.stdout.fileno(), F_SETPIPE_SZ, 1 << 20)
        self.limit_s = bench.options.run_limit
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        descriptor, rest = self.process.stdout.fileno(), b""
        while True:
            block = os.read(descriptor, 1 << 20)
            now = time.time()
            if not block:
                return
            block = rest + block
            end = block.rfind(b"\n") + 1
            self.take(block[:end], now)
            rest = block[end:]

    def wait_until(self, done, missing):
        """`missing()` says what there is until then, should it take too long or the capture end."""
        deadline = time.monotonic() + self.limit_s
        while not done():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(missing())
            time.sleep(0.01)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(15)
        self.process.stdout.close()
