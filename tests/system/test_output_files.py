"""Files that a read makes of its records: their contents, their names, and when they are finished."""

import os
import resource
import signal
import subprocess
import time

from capture import stream
from connector import executable, run
from output_dir import FORMS, T
from test_resume import changes
from writer import Writer


# Contents.


@FORMS
def test_the_documents_are_those_of_stdout_in_order(database, capture, directory, form):
    database.execute(*T, "CREATE TABLE u (id int PRIMARY KEY, a jsonb)", "INSERT INTO u VALUES (1, '{\"a\":\"\\n\"}')")
    lines = capture(["t", "u"], tail=True, slot_name=f"{database.slot}_lines").start().wait_for_active()
    out = directory(["t", "u"], *form)
    process = out.wait_for_count(out.start(), 300)
    database.execute("UPDATE t SET n = id WHERE id % 3 = 0", "DELETE FROM t WHERE id < 10", "UPDATE t SET id = 1000 WHERE id = 20",
                     "INSERT INTO u VALUES (2, NULL)", "UPDATE t SET name = repeat('ä', 400000) WHERE id = 100")
    lines.wait_for(lambda run: len(run.records) == 300 + 100 + 9 + 2 + 1 + 2)
    out.wait_for_count(process, 412)
    out.wait_for_count(process, 2, "public.u")
    process.stop()
    for table in "tu":
        assert out.committed(f"public.{table}") == [record["data"] for record in lines.records_of(table)]
    assert process.messages == []
    lines.stop()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}_lines')")


def test_a_read_that_ends_leaves_finished_files(database, directory):
    """And the next run appends after them."""
    database.execute(*T)
    out = directory(["t"])
    out.run()
    assert out.files() == (["00000001.jsonl"], [])
    out.run()
    assert out.files() == (["00000001.jsonl"], [])
    database.execute("INSERT INTO t VALUES (1000, 0, 'new')")
    out.run()
    assert out.files() == (["00000001.jsonl", "00000002.jsonl"], [])
    assert len(out.committed()) == 301
    out.assert_equal(t=["id"])


def test_the_other_form_begins_with_a_new_file(database, directory):
    database.execute(*T)
    out = directory(["t"])
    out.wait_for_count(out.start(), 300).stop()
    database.execute("INSERT INTO t VALUES (1000, 0, 'new')")
    process = out.wait_for_count(out.start("--compress", "zstd"), 301)
    database.execute("INSERT INTO t VALUES (1001, 0, 'new')")
    out.wait_for_count(process, 302).stop()
    assert out.files() == (["00000001.jsonl"], ["00000002.jsonl.zst.open"])
    out.run()
    assert out.files() == (["00000001.jsonl", "00000002.jsonl.zst"], [])
    out.assert_equal(t=["id"])


def test_all_tables_and_those_that_join(database, directory):
    database.execute(*T, "CREATE TABLE u (id int PRIMARY KEY)")
    out = directory([])
    out.arguments = lambda: ["--config", out.one.path("config.json", out.one.config), "--all", "public.[tuv]", "--tail", "--output", out.path]
    process = out.wait_for_count(out.start(), 300)
    database.execute("CREATE TABLE v (id int PRIMARY KEY)", "INSERT INTO v VALUES (1), (2)", "INSERT INTO u VALUES (1)")
    process.process.send_signal(signal.SIGHUP)
    out.wait_for_count(process, 2, "public.v")
    out.wait_for_count(process, 1, "public.u").stop()
    out.assert_equal(t=["id"], u=["id"], v=["id"])


def test_a_status_is_read_from_the_directory(database, directory):
    database.execute(*T)
    out = directory(["t"])
    out.wait_for_count(out.start(), 300).stop()
    told = subprocess.run([executable(), "status", *out.one.arguments(), "--state", f"{out.path}/state.json", "--json"],
                          stdout=subprocess.PIPE, check=True).stdout
    assert out.manifest()["state"]["cursor"] in told.decode()


def test_names_that_no_file_system_likes(database, directory):
    names = ["a/b", "..", ".", "T", "t", "Ö" * 31, "ö" * 31, "with space", "%41", "A", "state", "x" * 63, "X" * 63, "é"]
    database.execute("CREATE SCHEMA \"state\"", "CREATE TABLE state.json (id int PRIMARY KEY)", "INSERT INTO state.json VALUES (1)",
                     "CREATE SCHEMA \"" + "S" * 63 + "\"", *[statement for schema in ("public", "S" * 63) for name in names for statement in (
                         f'CREATE TABLE "{schema}"."{name}" (id int PRIMARY KEY)', f'INSERT INTO "{schema}"."{name}" VALUES (1)')])
    streams = [stream(name, schema) for schema in ("public", "S" * 63) for name in names] + [stream("json", "state")]
    out = directory(streams)
    out.run()
    found = set()
    for place in out.directories():
        assert len(place) <= 255 and place.lower() == place, place
        (document,) = out.committed(place)
        found.add((document["_meta"]["source"]["schema"], document["_meta"]["source"]["table"]))
    assert found == {(one["stream"]["namespace"], one["stream"]["name"]) for one in streams}
    assert {"public.t", "public.%54", "public.a%2fb", "public.%2e%2e", "%73tate.json"} <= set(out.directories())


# Files that are finished.


@FORMS
def test_a_file_is_finished_when_it_is_large(database, directory, form):
    """At the checkpoint at which it is. Random hex is compressed to half."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    out = directory(["t"], "--rotate-mb", "1", *form)
    process = out.start()
    for number in range(3):
        database.execute(f"INSERT INTO t SELECT n, (SELECT string_agg(md5(random()::text || n || k), '') FROM generate_series(1, 64) k)"
                         f" FROM generate_series({number * 1200 + 1}, {number * 1200 + 1200}) n")
        out.wait_for_count(process, number * 1200 + 1200)
    process.stop()
    finished, is_open = out.files()
    assert len(finished) >= 3 and len(is_open) <= 1, (finished, is_open)
    for name in finished:
        assert os.path.getsize(os.path.join(out.path, "public.t", name)) >= 1000 * 1000
    out.assert_equal(t=["id"])


def test_a_file_is_finished_when_it_is_old(database, directory):
    """Also without further changes; also a file that an earlier run began, or of a stream that is gone from the
    catalog."""
    database.execute(*T, "CREATE TABLE u (id int PRIMARY KEY)", "INSERT INTO u VALUES (1)")
    out = directory(["t", "u"])
    out.wait_for_count(out.wait_for_count(out.start(), 300), 1, "public.u").stop()
    assert out.files("public.u") == ([], ["00000001.jsonl.open"])
    out.one.streams.pop()
    out.options = ["--rotate-seconds", "1"]
    process = out.start()
    out.wait_for(process, lambda: out.files("public.u") == out.files() == (["00000001.jsonl"], []))
    database.execute("INSERT INTO t VALUES (1001, 0, 'new')")
    out.wait_for_count(process, 301)
    out.wait_for(process, lambda: out.files() == (["00000001.jsonl", "00000002.jsonl"], []))
    process.stop()
    out.run()
    out.assert_equal(t=["id"], u=["id"])


def test_a_full_refresh_goes_to_files_too(database, directory):
    """A complete read has nothing more to write, and another generation has all rows again."""
    database.execute(*T)
    out = directory([])
    for generation, files in ((1, 1), (1, 1), (2, 2)):
        out.one.streams = [stream("t", sync_mode="full_refresh", generation_id=generation)]
        out.run()
        assert out.files() == ([f"{number:08}.jsonl" for number in range(1, files + 1)], [])
    assert [document["id"] for document in out.committed()] == 2 * list(range(1, 301))


@FORMS
def test_finished_files_may_be_taken_at_any_time(database, directory, form):
    """By a consumer that moves them away, while the process is killed again and again."""
    database.execute(*T)
    out = directory(["t"], "--rotate-seconds", "1", *form)
    with Writer(database, changes("t", 300), 5, pause_s=0.002):
        for _ in range(4):
            process = out.start()
            deadline = time.monotonic() + 1.3
            while time.monotonic() < deadline:
                out.take_finished()
                time.sleep(0.001)
            process.kill()
            out.take_finished()
    out.run()
    out.take_finished()
    assert len(os.listdir(os.path.join(out.taken, "public.t"))) >= 3
    out.assert_equal(t=["id"])


def test_finished_files_and_empty_directories_may_be_taken_at_the_worst_moment(database, directory, preload):
    """As soon as a file has its name, and a directory before there is a file in it."""
    database.execute(*T)
    out = directory(["t"])
    out.one.tail = False
    for number in range(3):
        out.start(LD_PRELOAD=preload("taker"), TAKEN=out.taken).succeed()
        assert out.directories() == [] and len(out.committed()) == 300 + number
        database.execute(f"INSERT INTO t VALUES ({1000 + number}, 0, 'new')")


# Many tables.


def test_more_tables_than_descriptors(database, directory):
    """A file of each grows in each run, and takes part in one transaction."""
    database.execute("DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text)', n);"
                     " EXECUTE format('INSERT INTO t%s SELECT k, repeat(''x'', 2000) FROM generate_series(1, 5) k', n); END LOOP; END $$")
    out = directory([f"t{n}" for n in range(1, 301)])
    for _ in range(2):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            out.run()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        database.execute("DO $$ BEGIN FOR k IN 6..15 LOOP FOR n IN 1..300 LOOP EXECUTE format("
                         "'INSERT INTO t%s VALUES (%s, repeat(''y'', 2000)) ON CONFLICT DO NOTHING', n, k); END LOOP; END LOOP; END $$")
    for n in range(1, 301):
        assert [document["id"] for document in out.committed(f"public.t{n}")] == list(range(1, 16))
