"""What a process takes, looked at again and again while it works, beside how late what it printed came."""

import os
import statistics
import threading
import time

MOMENTS = 60
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2 ** 20


def cpu_ns(pid):
    """Of all threads, exactly: /proc/PID/stat counts in ticks."""
    total, directory = 0, f"/proc/{pid}/task"
    for thread in os.listdir(directory):
        with open(f"{directory}/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def memory_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE_MIB


class Watch:
    """Use it in a `with` statement: a look each `step_s`."""

    def __init__(self, pid, step_s):
        self.pid, self.step_s = pid, step_s
        self.looks = []  # (time, CPU, memory)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        try:
            self.look()
            while not self.ended.wait(self.step_s):
                self.look()
        except OSError:  # it is gone: the code that waits for its output says so
            pass

    def look(self):
        self.looks.append((time.time(), cpu_ns(self.pid), memory_mib(self.pid)))

    def series(self, came, delays_ms):
        """{figure: a value for each moment in which something came}; `came` and `delays_ms` are those of each transaction."""
        series = {name: [] for name in ("second", "p50_ms", "max_ms", "cpu_percent", "memory_mib")}
        arrivals, n = list(zip(came, delays_ms)), 0  # one more may be coming just now
        for (begin, cpu_before, _), (end, cpu_after, memory) in zip(self.looks, self.looks[1:]):
            late = []
            while n < len(arrivals) and arrivals[n][0] <= end:
                late.append(arrivals[n][1])
                n += 1
            if late:
                values = (end - self.looks[0][0], statistics.median(late), max(late), (cpu_after - cpu_before) / 1e7 / (end - begin), memory)
                for figures, value in zip(series.values(), values):
                    figures.append(round(value, 3))
        return series
