"""Directories, states and options with which a read into files does not begin."""

import os
import shutil

import pytest

from connector import run
from output_dir import T


@pytest.mark.parametrize("path, said", [
    ("/proc/nope", "make the directory above it, or name another one with --output"),
    ("{}/missing/out", "make the directory above it, or name another one with --output"),
    ("{}/file", "a file is in the way: move it, or name another directory with --output"),
    ("{}/file/out", "a file is in the way: move it, or name another directory with --output"),
    ("/proc", "name another"),
])
def test_a_directory_that_cannot_be_made_says_what_to_do(database, capture, tmp_path, path, said):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    (tmp_path / "file").write_text("")
    path = path.format(tmp_path)
    process = run("read", *capture(["t"]).arguments(), "--output", path)
    assert process.process.returncode == 1 and path in process.stderr and said in process.stderr
    assert "state.json" not in process.stderr and database.query("SELECT FROM pg_replication_slots WHERE database = current_database()") == []


def test_one_process_alone_writes_there(database, directory):
    database.execute(*T)
    out = directory(["t"])
    process = out.wait_for_count(out.start(), 300)
    out.fail("another read writes to", out.path)
    process.stop()
    out.run()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"state":{}}', '{"state":{},"files":{"..":{"file":"00000001.jsonl","length":0,"since":0}}}',
                                     '{"state":{},"files":{"public.t":{"file":"../../x","length":0,"since":0}}}',
                                     '{"state":{},"files":{"public.t":{"file":"00000001.jsonl","length":-1,"since":0}}}',
                                     '{"state":{"cursor":"x"},"files":{}}'])
def test_a_damaged_state_is_refused(database, directory, content):
    """And nothing is changed: with the newest state.json restored, the run works."""
    database.execute(*T)
    out = directory(["t"])
    out.wait_for_count(out.start(), 300).stop()
    path = os.path.join(out.path, "state.json")
    shutil.copy(path, path + ".copy")
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    before = out.files()
    out.fail(f"{path} cannot be used: ", "put the newest one back")
    assert out.files() == before
    os.rename(path + ".copy", path)
    out.run()
    assert len(out.committed()) == 300


def test_where_the_slot_is_gone_another_directory_begins_again(database, directory):
    database.execute(*T)
    out = directory(["t"])
    out.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    out.fail("is gone", "name another directory")
    out.path += "2"
    out.run()
    assert len(out.committed()) == 300


def test_a_directory_without_a_state_is_refused(database, directory):
    """Its files would be overwritten."""
    database.execute(*T)
    out = directory(["t"])
    out.run()
    path = os.path.join(out.path, "state.json")
    os.rename(path, os.path.join(out.one.directory, "kept"))
    out.fail("public.t", "no state.json")
    os.rename(os.path.join(out.one.directory, "kept"), path)
    out.run()
    assert len(out.committed()) == 300


def test_an_old_state_is_refused(database, directory):
    database.execute(*T)
    out = directory(["t"])
    out.run()
    path = os.path.join(out.path, "state.json")
    shutil.copy(path, out.one.directory)
    database.execute("INSERT INTO t VALUES (1000, 0, 'new')")
    out.run()
    shutil.copy(path, path + ".newest")
    shutil.copy(os.path.join(out.one.directory, "state.json"), path)
    out.fail("00000002.jsonl is newer than", "put the newest state.json back")
    os.rename(path + ".newest", path)
    out.run()
    assert len(out.committed()) == 301


@pytest.mark.parametrize("wrong", ["missing", "short"])
def test_an_open_file_that_is_not_whole_is_refused(database, directory, wrong):
    """Restored, it works; and another directory begins again."""
    database.execute(*T)
    out = directory(["t"])
    out.wait_for_count(out.start(), 300).stop()
    path = os.path.join(out.path, "public.t", "00000001.jsonl.open")
    shutil.copy(path, out.one.directory)
    if wrong == "missing":
        os.unlink(path)
    else:
        os.truncate(path, 100)
    out.fail(path, "is missing" if wrong == "missing" else "has 100 bytes", "put")
    shutil.copy(os.path.join(out.one.directory, "00000001.jsonl.open"), path)
    out.run()
    assert len(out.committed()) == 300
    out.path += "2"
    out.run()
    assert len(out.committed()) == 300


def test_options_that_do_not_go_together(database, directory):
    database.execute(*T)
    out = directory(["t"])
    arguments = out.arguments()
    for more, text in ((["--state", "x"], "goes without --state"), (["--rotate-mb", "0"], "--rotate-mb must be"),
                       (["--rotate-seconds", "1s"], "--rotate-seconds must be"), (["--compress", "gzip"], "--compress must be zstd")):
        refused = run("read", *arguments, *more)
        assert refused.process.returncode == 1 and text in refused.stderr and refused.messages == [], refused.story()
    refused = run("read", *out.one.arguments(), "--compress", "zstd")
    assert refused.process.returncode == 1 and "go with --output" in refused.stderr
    out.path = os.path.join(out.path, "deep", "er")
    out.fail("cannot make the directory")
