"""A read into files that is killed, or whose machine loses its power: records come exactly once, and WAL is released
only once its records are on the disk."""

import os
import shutil
import signal
import tempfile
import time

import pytest

from output_dir import PowerCut, T, flushed
from test_crash import has_crash_points
from test_resume import changes
from writer import Writer


def test_what_is_committed_is_released(database, directory):
    database.execute(*T)
    out = directory(["t"])
    process = out.wait_for_count(out.start(), 300)
    for n in range(2):
        before = flushed(database)
        database.execute(f"INSERT INTO t VALUES ({1000 + n}, 0, 'new')")
        out.wait_for_count(process, 301 + n)
        out.wait_for(process, lambda: flushed(database) != before and flushed(database) == out.manifest()["state"]["cursor"])
    process.stop()


def test_nothing_is_released_that_is_not_committed(database, directory):
    """The slot never passes what state.json says, and a stop loses nothing."""
    database.execute(*T)
    out = directory(["t"])
    with Writer(database, changes("t", 300), 7, pause_s=0.001):
        for _ in range(3):
            process = out.wait_for_count(out.start(), 300)
            for _ in range(20):
                lsn = flushed(database)
                later = database.value("SELECT %s::pg_lsn >= %s::pg_lsn", (out.manifest()["state"]["cursor"], lsn))
                assert later
                time.sleep(0.01)
            process.stop()
    out.run()
    out.assert_equal(t=["id"])


STEPS = ("directory-made", "file-made", "file-written", "file-synced", "manifest-written", "manifest-renamed", "file-renamed",
         "row-printed", "change-printed", "state-printed")


@pytest.mark.parametrize("step, form", [(step, ()) for step in STEPS] + [
    (step, ("--compress", "zstd")) for step in ("file-written", "file-synced", "manifest-renamed", "file-renamed")])
@pytest.mark.skipif(not has_crash_points(), reason="the connector was built without CRASH_POINTS")
def test_a_crash_at_any_step_is_resumed_exactly(database, directory, step, form):
    """Three crashes in a row, each a little later in the remaining work, while a writer changes the table."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int, name text)",
                     "INSERT INTO t SELECT n, 0, (SELECT string_agg(md5(n::text || k), '') FROM generate_series(1, 20) k) FROM generate_series(1, 3000) n")
    out = directory(["t"], "--rotate-mb", "1", "--rotate-seconds", "1", *form, advanced={"backfill_chunk_size": 300})
    with Writer(database, changes("t", 3000), 3, pause_s=0.003):
        for number in {"directory-made": (1,), "file-renamed": (1, 2)}.get(step, (1, 2, 3)):
            process = out.start(CRASH_POINT=f"{step}:{number}").finish()
            assert process.process.returncode == -signal.SIGKILL, process.story()
    out.run()
    out.assert_equal(t=["id"])
    assert not out.files()[1]


def test_what_a_crash_leaves_is_put_right(database, directory):
    """Uncommitted bytes are cut off, files unknown to state.json are removed, finished files get their names."""
    database.execute(*T)
    out = directory(["t"])
    out.wait_for_count(out.start(), 300).kill()
    place = os.path.join(out.path, "public.t")
    with open(os.path.join(place, "00000001.jsonl.open"), "a", encoding="utf-8") as file:
        file.write('{"half')
    for name in ("00000002.jsonl.open", "00000001.jsonl.zst.open"):
        shutil.copy(os.path.join(place, "00000001.jsonl.open"), os.path.join(place, name))
    shutil.copy(os.path.join(place, "00000001.jsonl.open"), os.path.join(place, "notes.txt"))
    out.wait_for_count(out.start(), 300).stop()
    assert out.files() == (["notes.txt"], ["00000001.jsonl.open"])
    out.run()
    os.rename(os.path.join(place, "00000001.jsonl"), os.path.join(place, "00000001.jsonl.open"))
    out.run()
    assert out.files() == (["00000001.jsonl", "notes.txt"], [])
    assert len(out.committed()) == 300


@pytest.mark.parametrize("names", [False, True], ids=["nothing that is not synced", "names"])
@pytest.mark.parametrize("tables", [1, 20])
def test_a_power_cut_loses_nothing_that_was_released(database, directory, preload, tmp_path, tables, names):
    """Again and again, whatever is left. Of many tables all is synced at once, on a file system that can."""
    database.execute(*T, *[f"CREATE TABLE t{n} (id int PRIMARY KEY, n int, name text)" for n in range(1, tables)])
    every = ["t"] + [f"t{n}" for n in range(1, tables)]
    out = directory(every, "--rotate-seconds", "1")

    def make(chance):
        return [statement for name in chance.sample(every, min(tables, 18)) for statement in changes(name, 300)(chance)]

    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        out.path = os.path.join(memory, "out")
        cut = PowerCut(out, preload("power_cut"), tmp_path / "survives", names)
        with Writer(database, make, 11, pause_s=0.002):
            for number in range(4):
                process = cut.start()
                deadline = time.monotonic() + 0.4 + 0.3 * number
                out.wait_for(process, lambda: time.monotonic() > deadline and os.path.exists(f"{out.path}/state.json"))
                cut.cut(process)
        out.run()
        assert out.manifest()["files"]["public.t"]["file"] > "00000002"
        out.assert_equal(**{name: ["id"] for name in every})
