"""The commands in the pages do what the pages say: each block marked `sh` is run where that takes a moment; for the
others the options are looked up. Blocks marked `sh container` need an engine: their syntax is checked."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import pages
from connector import PATIENCE, executable
from server import PASSWORD, binary, free_port

# Wrapper of the program: a tailing read is stopped once a state says that all rows are out, and questions are answered.
STAND_IN = """#!{python} -B
import os, signal, subprocess, sys, time
arguments = sys.argv[1:] + ["--yes"] * (sys.argv[1:2] == ["teardown"] and "--yes" not in sys.argv)
process = subprocess.Popen([{executable!r}, *arguments])
before = os.fstat(1).st_size
output = sys.argv[sys.argv.index("--output") + 1] if "--output" in sys.argv else None
deadline = time.monotonic() + {patience} * 20 if "--tail" in sys.argv else 0
while process.poll() is None and time.monotonic() < deadline:
    try:
        with open(output + "/state.json" if output else "/proc/self/fd/1", "rb") as file:
            file.seek(0 if output else before)
            states = [line for line in file if output or b'"STATE"' in line and line.endswith(b"\\n")]
    except FileNotFoundError:
        states = []
    if states and b'"Backfill"' not in (b"".join(states) if output else states[-1]):
        break
    time.sleep(0.02)
if "--tail" in sys.argv:
    process.send_signal(signal.SIGTERM)
sys.exit(process.wait(60))
"""
# Programs that are not run here. Their options in the pages are looked up in their own help.
LOOKED_UP = {"./scripts/test": "scripts/test", "./scripts/demo": "scripts/demo", "./scripts/test-versions": "scripts/test-versions",
             "./scripts/image": "scripts/image", "bench/run": "bench/run", "tests/run.sh": "tests/run.sh"}
BUILD = {"cmake", "ctest", "apt"}


def commands(text):
    """Each command of a block, without its variables and what goes to files."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        variables = [word for word in words if re.match(r"[A-Z_0-9]+=", word)]
        if words:
            yield variables, words[len(variables):]


def sh_blocks(*, container):
    found = [(path, text) for path in pages.paths() for words, text in pages.blocks(path, "sh") if ("container" in words) == container]
    return [(pages.name(path), text) for path, text in found]


def is_run(text):
    programs = {words[0] for _, words in commands(text)}
    return not programs & (LOOKED_UP.keys() | BUILD)


def pages_to_run():
    """The blocks of a page are run one after the other: later ones continue from earlier ones."""
    found = {}
    for page, text in sh_blocks(container=False):
        if is_run(text):
            found.setdefault(page, []).append(text)
    return found


@pytest.fixture(name="place")
def prepared_place(database, tmp_path):
    """A directory with the files that the pages speak of, and a database with tables."""
    database.execute("CREATE TABLE orders (id int PRIMARY KEY, status text)", "INSERT INTO orders SELECT n, 'paid' FROM generate_series(1, 100) n",
                     'CREATE TABLE "odd.name" (id int PRIMARY KEY)', 'INSERT INTO "odd.name" VALUES (1)')
    config = {"host": "127.0.0.1", "port": database.server.port, "user": "flow_capture", "password": "secret", "database": database.name}
    catalog = {"streams": [{"stream": {"namespace": "public", "name": "orders", "json_schema": {}}, "sync_mode": "incremental",
                            "destination_sync_mode": "append"}]}
    for name, content in (("config.json", config), ("catalog.json", catalog), ("requests.jsonl", {"spec": {"connectorType": "IMAGE", "config": {}}})):
        (tmp_path / name).write_text(json.dumps(content) + "\n", encoding="utf-8")
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "source-postgres"
    stand_in.write_text(STAND_IN.format(python=sys.executable, executable=executable(), patience=PATIENCE), encoding="utf-8")
    stand_in.chmod(0o755)
    (tmp_path / "bin" / "psql").symlink_to(shutil.which("psql") or binary("psql"))
    yield tmp_path
    database.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active")
    if database.value("SELECT count(*) FROM pg_roles WHERE rolname = 'flow_capture'"):
        database.execute("DROP OWNED BY flow_capture", "DROP ROLE flow_capture")


def run_block(database, place, text):
    """Returns what the block wrote."""
    environment = {**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}", "PGHOST": database.server.directory,
                   "PGPORT": str(database.server.port), "PGPASSWORD": PASSWORD, "LOG_LEVEL": "warn"}
    for name, instead in (("-d shop", f"-d {database.name}"), ("/data/capture", f"{place}/capture"), ("9187", str(free_port()))):
        text = text.replace(name, instead)
    ended = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", text], cwd=place, env=environment, input="secret\nsecret\n", text=True, check=False,
                           capture_output=True, timeout=60 * PATIENCE, start_new_session=True)
    assert ended.returncode == 0, f"{text}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@pytest.mark.since(14)  # pg_read_all_data
@pytest.mark.parametrize("page", pages_to_run())
def test_the_commands_of_a_page_run(page, database, place):
    if page != "README.md":  # which begins without a role
        database.execute("CREATE ROLE flow_capture LOGIN SUPERUSER REPLICATION PASSWORD 'secret'")
    for text in pages_to_run()[page]:
        said = run_block(database, place, text)
        if re.search(r"^source-postgres check", text, re.M):
            assert '"SUCCEEDED"' in said, said
    if page == "README.md":
        with open(place / "records.jsonl", encoding="utf-8") as file:
            records = [one["record"]["stream"] for one in map(json.loads, file) if one["type"] == "RECORD"]
        assert sorted(records) == ["odd.name"] + ["orders"] * 100
        assert database.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == 0


def help_of(program, *arguments):
    shown = subprocess.run([os.path.join(pages.ROOT, program), *arguments, "--help"], check=True, timeout=60, capture_output=True, text=True)
    return shown.stdout


def test_options_of_what_is_not_run_are_known():
    seen = set()
    for page, text in sh_blocks(container=False):
        for variables, words in commands(text):
            program = LOOKED_UP.get(words[0])
            if not program:
                continue
            seen.add(program)
            shown = help_of(program)
            own = words[1:words.index("--")] if "--" in words else words[1:]
            for word in [one for one in own if one.startswith("--")]:
                assert re.search(rf"{word}\b", shown), f"{page}: {program} has no option {word}"
            if program == "scripts/test":
                assert all(re.search(rf"^  {word} ", shown, re.M) for word in own), f"{page}: {words}"
            for variable in variables:
                known = shown + pages.read("tests/system/chaos.py") + pages.read("tests/system/test_chaos.py") + \
                    pages.read("tests/system/test_states.py") + pages.read("tests/system/test_older.py") + \
                    pages.read("tests/system/test_soak.py")
                assert variable.split("=")[0] in known or variable.startswith("PGPASSWORD="), f"{page}: {variable}"
            for word in words:
                assert not re.match(r"test_\w+\.py$", word) or os.path.exists(os.path.join(pages.ROOT, "tests", "system", word)), word
    assert {"scripts/test", "scripts/demo", "bench/run"} <= seen


def test_presets_and_packages_are_known():
    presets = {one["name"] for one in json.loads(pages.read("CMakePresets.json"))["buildPresets"]}
    packages = re.findall(r'packages="([^"]*)"', pages.read("scripts/lib.sh"))
    known = set(" ".join(packages).split())
    for page, text in sh_blocks(container=False):
        for _, words in commands(text):
            if words[0] == "cmake" and "--preset" in words:
                assert words[words.index("--preset") + 1] in presets, page
            if words[:2] == ["apt", "install"]:
                assert known >= set(words[2:]) >= set(packages[0].split()) - {"libc6-dev"}, page


def test_every_command_is_known_to_a_test():
    """A program that the pages name is one that is run, looked up, or in a block that needs an engine."""
    run_here = {"source-postgres", "psql", "grep"}
    for page, text in sh_blocks(container=False):
        for _, words in commands(text):
            assert words[0] in run_here | LOOKED_UP.keys() | BUILD, f"{page}: {words}"
    for path in pages.paths():
        loose = re.findall(r"^    (?:source-postgres|\./scripts|bench/run|docker|kubectl|cmake|apt)\b.*$", pages.FENCE.sub("", pages.read(path)), re.M)
        assert loose == [], f"{pages.name(path)}: commands belong into a block marked sh"


def test_blocks_that_need_an_engine_are_well_formed():
    for page, text in sh_blocks(container=True):
        checked = subprocess.run(["bash", "-n", "-c", text], check=False, capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0, f"{page}: {checked.stderr}"
        assert not re.search(r"^source-postgres", text, re.M), f"{page}: that can be run"
