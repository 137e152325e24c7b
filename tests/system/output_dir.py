"""A read into files: what is committed below its directory, and a consumer that takes finished files away."""

import glob
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from capture import by_stream
from connector import LIMIT_S, Run, run
from oracle import Materialised

FORMS = pytest.mark.parametrize("form", [(), ("--compress", "zstd")], ids=["plain", "zstd"])
T = ("CREATE TABLE t (id int PRIMARY KEY, n int, name text)",
     "INSERT INTO t SELECT n, 0, repeat('x', 50) FROM generate_series(1, 300) n")


def flushed(database):
    return database.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))


def decoded(path, length=None):
    """The text of a file, or of so many of its bytes."""
    with open(path, "rb") as file:
        data = file.read(length)
    if ".zst" in path:
        data = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert not data or data.endswith(b"\n"), f"{path} ends within a line: {data[-80:]}"
    return data.decode()


def number_of(path):
    return int(os.path.basename(path).split(".")[0])


class OutputDirectory:
    """`one` is a Capture that says what to capture, `options` those of the command line."""

    def __init__(self, one, *options):
        self.one, self.options = one, list(options)
        self.path = os.path.join(one.directory, "out")
        self.taken = os.path.join(one.directory, "taken")

    def arguments(self):
        return [*self.one.arguments(), "--output", self.path, *self.options]

    def start(self, *more, **variables):
        process = Run("read", *self.arguments(), *more, server_activity=self.one.database.activity, **variables)
        self.one.runs.append(process)
        return process

    def run(self, *more):
        """Run to the end of what is in the database now."""
        tail, self.one.tail = self.one.tail, False
        process = self.start(*more).succeed()
        self.one.tail = tail
        assert process.messages == []
        return process

    def fail(self, *texts):
        """A run that must end with an error that holds the texts."""
        process = run("read", *self.arguments())
        assert process.process.returncode == 1 and process.messages == [], process.story()
        for text in texts:
            assert text in process.stderr, process.stderr
        return process

    # What is there.

    def manifest(self):
        with open(os.path.join(self.path, "state.json"), encoding="utf-8") as file:
            return json.load(file)

    def files(self, directory="public.t"):
        """Names of the finished files, and of the open one."""
        names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(glob.escape(self.path), directory, "*")))
        return [name for name in names if not name.endswith(".open")], [name for name in names if name.endswith(".open")]

    def directories(self):
        return sorted(name for name in os.listdir(self.path) if os.path.isdir(os.path.join(self.path, name)))

    def committed(self, directory="public.t"):
        """The documents that count, in order: of files that were taken, that are finished, and of the open one."""
        paths = {number_of(path): path for place in (self.path, self.taken)
                 for path in glob.glob(os.path.join(glob.escape(place), directory, "*.jsonl*"))}
        entry = self.manifest()["files"].get(directory, {"file": "00000001.jsonl", "length": 0})
        current = number_of(entry["file"])
        assert sorted(number for number in paths if number < current) == list(range(1, current)), sorted(paths)
        text = "".join(decoded(paths[number]) for number in range(1, current))
        if entry["length"]:
            assert paths[current].endswith(entry["file"] + ".open"), paths
            text += decoded(paths[current], entry["length"])
        return [json.loads(line) for line in text.splitlines()]

    def count(self, directory="public.t"):
        """While it is written, a look may fall between state.json and the files."""
        for _ in range(20):
            try:
                return len(self.committed(directory))
            except (AssertionError, OSError, subprocess.CalledProcessError):
                time.sleep(0.05)
        return len(self.committed(directory))

    def wait_for(self, process, condition):
        """Wait until the condition holds, which is checked again and again."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert process.process.poll() is None, process.story()
            assert time.monotonic() < deadline, f"{self.manifest()['files']}\n{process.story()}"
            time.sleep(0.05)
        return process

    def wait_for_count(self, process, count, directory="public.t"):
        return self.wait_for(process, lambda: os.path.exists(os.path.join(self.path, "state.json"))
                             and self.count(directory) >= count)

    def take_finished(self):
        """Take finished files as a consumer does, at any time; and remove directories that are empty then."""
        for path in glob.glob(os.path.join(glob.escape(self.path), "*", "*")):
            if re.fullmatch(r"\d+\.jsonl(\.zst)?", os.path.basename(path)):
                to = os.path.join(self.taken, os.path.basename(os.path.dirname(path)))
                os.makedirs(to, exist_ok=True)
                assert not os.path.exists(os.path.join(to, os.path.basename(path))), f"{path} comes for the second time"
                shutil.move(path, to)
        for place in glob.glob(os.path.join(glob.escape(self.path), "*", "")):
            try:
                os.rmdir(place)
            except OSError:
                pass  # there is a file in it

    def assert_equal(self, **keys):
        """Check that all documents that count add up to the tables."""
        oracle = Materialised(by_stream(keys))
        for table in keys:
            oracle.apply({"namespace": "public", "stream": table, "data": document}
                         for document in self.committed(f"public.{table}"))
        oracle.assert_equal(self.one.database)


class PowerCut:
    """Make of the directory what a power cut leaves: power_cut.c, preloaded, records what was synced. The rest is lost;
    with `names`, the names stay, and only the contents are lost."""

    def __init__(self, out, preload, survives, names=False):
        self.out, self.preload, self.survives, self.names = out, preload, str(survives), names

    def start(self):
        """A process; the files that are there now count as synced."""
        shutil.rmtree(self.survives, ignore_errors=True)
        os.makedirs(self.survives)
        for place, _, names in os.walk(self.out.path):
            self.keep_names(place)
            for name in names:
                path = os.path.join(place, name)
                shutil.copy(path, os.path.join(self.survives, str(os.stat(path).st_ino)))
        return self.out.start(LD_PRELOAD=self.preload, SURVIVES=self.survives)

    def keep_names(self, place):
        with open(os.path.join(self.survives, f"dir-{os.stat(place).st_ino}"), "w", encoding="utf-8") as file:
            for entry in os.scandir(place):
                file.write(f"{entry.inode()} {'d' if entry.is_dir() else 'f'} {entry.name}\n")

    def cut(self, process):
        process.kill()
        if self.names:
            for place, _, _ in os.walk(self.out.path):
                self.keep_names(place)
        left = self.out.path + ".left"
        self.rebuild(os.stat(self.out.path).st_ino, left)
        shutil.rmtree(self.out.path)
        os.rename(left, self.out.path)

    def rebuild(self, inode, path):
        os.mkdir(path)
        names = os.path.join(self.survives, f"dir-{inode}")
        for line in open(names, encoding="utf-8").read().splitlines() if os.path.exists(names) else ():
            inode, kind, name = line.split(" ", 2)
            if kind == "d":
                self.rebuild(inode, os.path.join(path, name))
            elif os.path.exists(os.path.join(self.survives, inode)):
                shutil.copy(os.path.join(self.survives, inode), os.path.join(path, name))
            else:
                open(os.path.join(path, name), "w", encoding="utf-8").close()
