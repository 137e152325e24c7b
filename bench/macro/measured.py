"""Running one program to its end, in bounded time: wall time, CPU time, peak memory."""

import os
import shlex
import statistics
import subprocess
import tempfile
import threading
import time

from connector import environment
from server import die_with_parent

SAMPLE_S = 0.005
RECORD = b'{"type":"RECORD"'


class Figures:
    """What the runs of one reader took, in the order of the rounds. `units`: of each run, such as rows; None where runs differ."""

    def __init__(self, reader, units):
        self.reader, self.fixed_units = reader, units
        self.units, self.wall_s, self.cpu_s, self.peak_mib, self.consumer_cpu_s, self.relay_cores = [], [], [], [], [], []

    def add(self, wall_s, cpu_s, peak_mib, consumer_cpu_s=None, units=None, relay_cpu_s=None):
        """`consumer_cpu_s`: of the program that takes what it writes, where that is measured. `relay_cpu_s`: of what stands between."""
        if relay_cpu_s is not None:
            self.relay_cores.append(relay_cpu_s / wall_s)
        if consumer_cpu_s is not None:
            self.consumer_cpu_s.append(consumer_cpu_s)
        self.wall_s.append(wall_s)
        self.cpu_s.append(cpu_s)
        self.peak_mib.append(peak_mib)
        self.units.append(units or self.fixed_units)

    def rates(self):
        return [units / wall_s for units, wall_s in zip(self.units, self.wall_s)]

    def per_million(self, values):
        return round(statistics.median(value / units for value, units in zip(values, self.units)) * 1e6, 3)

    def summary(self, base):
        """`base`: figures of the limit that this is compared with, round by round."""
        return {
            "reader": self.reader, "units": round(statistics.median(self.units)), "wall_s": round(statistics.median(self.wall_s), 4),
            "cpu_s": round(statistics.median(self.cpu_s), 4), "peak_mib": round(max(self.peak_mib), 1),
            "per_second": round(statistics.median(self.rates())),
            "ratio": round(statistics.median(own / b for b, own in zip(base.rates(), self.rates())), 3),
            "cpu_s_per_million": self.per_million(self.cpu_s),
            "rounds_wall_s": [round(each, 4) for each in self.wall_s],
            **({"relay_cores": round(max(self.relay_cores), 3)} if self.relay_cores else {}),
            **({"consumer_cpu_s_per_million": self.per_million(self.consumer_cpu_s)} if self.consumer_cpu_s else {}),
        }


def memory_peak_kib(pid):
    """So far; rusage would count what the process had of ours before its exec."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            return max((int(line.split()[1]) for line in status if line.startswith("VmHWM")), default=0)
    except OSError:
        return 0


def start(command, variables, stdout, stderr):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, bufsize=0,
                            env={**environment(), **variables}, preexec_fn=die_with_parent)


def run(command, variables, limit_s, consume=None):
    """(wall, CPU, peak) of a program whose output goes to /dev/null, or to consume(descriptor)."""
    with tempfile.TemporaryFile() as log:
        begun = time.monotonic()
        process = start(command, variables, subprocess.PIPE if consume else subprocess.DEVNULL, log)
        cpu_s, peak_mib = wait(process, begun + limit_s, log, consume)
        return time.monotonic() - begun, cpu_s, peak_mib


def wait(process, deadline, log, consume=None):
    """(CPU, peak) of a program, which must end well, and in time."""
    peak_kib = 0
    ended = threading.Event()

    def watch():
        nonlocal peak_kib
        while not ended.wait(SAMPLE_S):
            peak_kib = max(peak_kib, memory_peak_kib(process.pid))
            if time.monotonic() > deadline:
                process.kill()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        if consume:
            consume(process.stdout.fileno())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        ended.set()
        watcher.join()
        if process.returncode is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
        raise RuntimeError(f"{shlex.join(process.args)}\nended with {process.returncode}:\n{log.read().decode('utf-8', 'replace')}")
    return usage.ru_utime + usage.ru_stime, peak_kib / 1024


def count(descriptor, mark):
    """How often `mark` stands in all that comes."""
    total, rest = 0, b""
    while True:
        block = os.read(descriptor, 1 << 20)
        if not block:
            return total
        block = rest + block
        total += block.count(mark)
        rest = block[len(block) - len(mark) + 1:]
