"""A read into files whose disk is full, fails or is slow, or whose files another program changes."""

import os
import resource
import shutil
import subprocess
import tempfile
import time

import pytest

from output_dir import FORMS, T, flushed
from test_resume import changes
from writer import Writer


@FORMS
def test_a_file_that_must_not_grow_ends_the_read(database, directory, form):
    """All is written exactly once, as soon as there is room."""
    database.execute(*T)
    out = directory(["t"], *form)
    process = out.wait_for_count(out.start(), 300)
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (200000, 200000))
    database.execute("INSERT INTO t SELECT n, 0, (SELECT string_agg(md5(n::text || k), '') FROM generate_series(1, 50) k)"
                     " FROM generate_series(1001, 3000) n")
    process.finish()
    assert process.process.returncode == 1 and process.messages == [], process.story()
    assert "cannot write" in process.stderr and "00000001.jsonl" in process.stderr and "File too large" in process.stderr
    assert len(out.committed()) == 300
    out.run()
    assert len(out.committed()) == 2300
    out.assert_equal(t=["id"])


@pytest.fixture(name="small_disk")
def mounted_disk(tmp_path):
    """A file system of one megabyte; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield str(place)
    subprocess.run(["umount", str(place)], check=True)


@FORMS
def test_a_full_disk_ends_the_read(database, directory, small_disk, form):
    database.execute(*T)
    out = directory(["t"], *form)
    out.path = small_disk
    process = out.wait_for_count(out.start(), 300)
    database.execute("INSERT INTO t SELECT n, 0, (SELECT string_agg(md5(n::text || k), '') FROM generate_series(1, 50) k)"
                     " FROM generate_series(1001, 4000) n")
    process.finish()
    assert process.process.returncode == 1, process.story()
    assert f"cannot write {small_disk}/" in process.stderr and "No space left" in process.stderr and "make room" in process.stderr
    out.fail("No space left", "make room")
    assert len(out.committed()) == 300
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    out.run()
    assert len(out.committed()) == 3300
    out.assert_equal(t=["id"])


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "fsync", "renameat", "syncfs"])
def test_a_disk_that_fails_ends_the_read(database, directory, preload, tmp_path, call):
    """Data that could not be synced never counts as written: the call is not tried again, and no WAL is released. Of
    many tables all is synced at once, on a file system that can."""
    tables = [f"t{n}" for n in range(20)] if call == "syncfs" else ["t"]
    database.execute(*[f"CREATE TABLE {name} (id int PRIMARY KEY, n int, name text)" for name in tables],
                     *[f"INSERT INTO {name} SELECT n, 0, 'x' FROM generate_series(1, 30) n" for name in tables])
    out = directory(tables)
    failing = str(tmp_path / "fail")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        out.path = os.path.join(memory, "out")
        late = {"FAILING_MS": "1500"} if call == "renameat" else {}  # so that a release that comes too early is seen
        process = out.start(LD_PRELOAD=preload("failing_disk"), FAILING_CALL=call, FAILING_FILE=failing, **late)
        for name in tables:
            out.wait_for_count(process, 30, f"public.{name}")
        with open(failing, "w", encoding="utf-8"):
            database.transaction(*[f"INSERT INTO {name} VALUES (100, 1, 'new')" for name in tables])
        process.finish()
        assert process.process.returncode == 1 and "Input/output error" in process.stderr, process.story()
        assert out.path in process.stderr.splitlines()[-1]
        assert len(out.committed(f"public.{tables[0]}")) == 30
        assert database.value("SELECT %s::pg_lsn <= %s::pg_lsn", (flushed(database), out.manifest()["state"]["cursor"]))
        os.unlink(failing)
        out.run()
        out.assert_equal(**{name: ["id"] for name in tables})


def test_a_slow_disk_is_asked_less_often(database, directory, preload, tmp_path):
    """Keeping a state is slow, and would take all of the time; without that 200 ms at least are between two."""
    database.execute(*T)
    out = directory(["t"])
    slow = str(tmp_path / "slow")
    process = out.wait_for_count(out.start(LD_PRELOAD=preload("failing_disk"), FAILING_CALL="fdatasync", FAILING_FILE=slow,
                                           FAILING_MS="250", FAILING_SLOW="1"), 300)
    open(slow, "w", encoding="utf-8").close()
    states = set()
    with Writer(database, changes("t", 300), 13, pause_s=0.01):
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            states.add(out.manifest()["state"]["cursor"])
            time.sleep(0.02)
    process.stop()
    assert 2 <= len(states) <= 6, states
    out.run()
    out.assert_equal(t=["id"])


@pytest.mark.parametrize("what", ["the file", "the directory", "a replacement", "more in it"])
def test_a_file_that_another_program_changes_ends_the_read(database, directory, what):
    """Data written to the removed file would be lost. The replacement has the expected size."""
    database.execute(*T)
    out = directory(["t"])
    process = out.wait_for_count(out.start(), 300)
    place = os.path.join(out.path, "public.t")
    path = os.path.join(place, "00000001.jsonl.open")
    before = os.path.getsize(path)
    database.execute("INSERT INTO t VALUES (1000, 0, 'new')")
    out.wait_for_count(process, 301)
    kept = os.path.join(out.one.directory, "kept")
    shutil.copytree(place, kept)
    if what == "the directory":
        shutil.rmtree(place)
    elif what == "more in it":
        with open(path, "a", encoding="utf-8") as file:
            file.write("{}\n" * 1000)
    else:
        os.unlink(path)
    if what == "a replacement":
        shutil.copy(os.path.join(kept, "00000001.jsonl.open"), path)
        os.truncate(path, 2 * os.path.getsize(path) - before)
    database.execute("INSERT INTO t VALUES (1001, 0, 'new')")
    process.finish()
    assert process.process.returncode == 1 and f"{path} was removed or changed" in process.stderr, process.story()
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(kept, place)
    out.run()
    assert len(out.committed()) == 302
