"""Airbyte's own programs: PyAirbyte drives the connector, and the protocol's models judge its messages.

They come from the Python registry; if it cannot be reached, the tests are skipped with that reason.
"""

import json
import os
import subprocess
import sys

import pytest

import airbyte_python
from connector import PATIENCE, all_messages, executable, run
from test_values import CASES, OUT_OF_RANGE, TYPES


@pytest.fixture(name="script", scope="session")
def script_runner():
    """script(name, argument ...): what a script of tests/airbyte prints last."""
    why_not = airbyte_python.installed()
    if why_not:
        pytest.skip(why_not)

    def run_to_success(name, *arguments):
        done = airbyte_python.run_script(name, *arguments, limit_s=150 * PATIENCE)
        assert done.returncode == 0, done.stdout[-15000:] + done.stderr[-5000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run_to_success


class Syncs:
    """A connection of PyAirbyte's, which keeps states by stream alone."""

    def __init__(self, database, directory, key, *streams):
        self.database, self.directory = database, directory
        self.key, self.streams = key, streams
        config = directory / "config.json"
        config.write_text(json.dumps(database.config(advanced={"state_type": "stream", "backfill_chunk_size": 200})))
        self.log = open(directory / "sync.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            airbyte_python.script_words("sync.py", str(config), str(directory / "cache.duckdb"), key, *streams),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def run(self, killed_after=None):
        """One sync; with `killed_after` lines the connector dies in its read. Else the cache has what the tables have."""
        program = executable()
        if killed_after is not None:
            program = self.directory / "killed"
            program.write_text(f"#!/bin/sh\nexec {sys.executable} {os.path.join(airbyte_python.SCRIPTS, 'killed.py')}"
                               f' {executable()} {killed_after} "$@"\n')
            program.chmod(0o700)
        print(program, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        self.log.seek(0)
        assert line, self.log.read()[-5000:]
        done = json.loads(line)
        assert bool(done["failure"]) == (killed_after is not None), done["failure"]
        for table in self.streams if killed_after is None else ():
            names, rows = self.table(table)
            assert done["rows"][table] == [dict(zip(names, row)) for row in rows]
        return done["records"]

    def table(self, name):
        with self.database.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {name} ORDER BY {self.key}")
            return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.last
@pytest.mark.limit(600)
@pytest.mark.usefixtures("script")
def test_pyairbyte_keeps_a_cache_in_step_also_when_the_connector_dies(database, tmp_path):
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
                     "INSERT INTO items SELECT n, 0, 'row ' || n FROM generate_series(1, 3000) n",
                     "CREATE TABLE empty (id int PRIMARY KEY)")
    with Syncs(database, tmp_path, "id", "items", "empty") as syncs:
        syncs.run(killed_after=1500)
        database.execute("UPDATE items SET n = 1 WHERE id % 3 = 0", "DELETE FROM items WHERE id > 2900")
        syncs.run()
        database.execute("UPDATE items SET n = 1, name = 'changed' WHERE id <= 100", "DELETE FROM items WHERE id > 2850",
                         "INSERT INTO items VALUES (2999, 2, 'again')", "UPDATE items SET id = 5000 WHERE id = 500",
                         "UPDATE items SET n = n + 1 WHERE id < 5")
        assert syncs.run() == 100 + 50 + 1 + 2 + 4
        database.execute("UPDATE items SET n = n + 1", "UPDATE items SET id = id + 10000 WHERE id < 100",
                         "DELETE FROM items WHERE id % 10 = 0")
        syncs.run(killed_after=2000)
        syncs.run()


def fill_with_every_type(database):
    """A table of all built-in types, one with the values of the value tests, and an empty one."""
    built_in = [row[0] for row in database.query(
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r')"
        " AND typname NOT LIKE 'pg_%%' AND typcategory NOT IN ('Z', 'P') AND typname NOT IN ('cstring', 'unknown')"
        " AND typname !~ '^_(pg_|cstring)' AND typname NOT IN ('gtsvector', 'aclitem', '_aclitem') ORDER BY oid")]
    values = [(f"c{number}_{index}", kind, literal) for number, (kind, cases) in enumerate(CASES.items())
              for index, (literal, _) in enumerate(cases) if "\u2028" not in literal]  # which ends a line for that suite
    values += [(f"o{number}", kind, literal) for number, (kind, literal, _) in enumerate(OUT_OF_RANGE)]
    values += [("a1", "float8[]", "'{1,NaN,NULL}'"), ("a2", "int[][]", "'{{1,2},{3,4}}'"), ("a3", "timestamptz[]", "'{infinity}'"),
               ("a4", "mood[]", "'{ok}'"), ("a5", "jsonb[]", "'{\"{}\"}'"), ("r1", "tstzrange", "'[2024-01-01, infinity)'"),
               ("t1", "time", "'24:00'"), ("t2", "timetz", "'01:02:03+05:30:01'")]
    database.execute(
        *TYPES, f"CREATE TABLE kinds (id int PRIMARY KEY, {', '.join(f'k{n} {kind}' for n, kind in enumerate(built_in))})",
        "INSERT INTO kinds VALUES (1)",
        f"CREATE TABLE filled (id uuid PRIMARY KEY, {', '.join(f'{name} {kind} NOT NULL' for name, kind, _ in values)})",
        "INSERT INTO filled SELECT gen_random_uuid(), " + ", ".join(f"({literal})::{kind}" for _, kind, literal in values),
        "CREATE TABLE keyless (a text, _meta int)", "ALTER TABLE keyless REPLICA IDENTITY FULL", "INSERT INTO keyless VALUES ('x', 1)")
    return len(built_in)


@pytest.mark.last
@pytest.mark.limit(300)
@pytest.mark.since(13)  # gen_random_uuid
def test_airbytes_own_suite_passes_on_every_type(database, tmp_path, script):
    assert fill_with_every_type(database) > 60
    config = tmp_path / "config.json"
    config.write_text(json.dumps(database.config(advanced={"state_type": "stream"})))
    done = script("conformance.py", executable(), str(config), str(tmp_path / "suite"))
    assert done["passed"] >= 12, done
    assert [reason for reason in done["skipped"] if "does not run" not in reason and "expected to fail" not in reason] == []


@pytest.mark.last
@pytest.mark.limit(300)
def test_every_message_of_the_suite_is_valid(database, capture, script, capsys):
    """With a run of each command, in case it is run alone."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)", "INSERT INTO items VALUES (1, 2, '3')")
    one = capture(["items"])
    run("spec")
    for command in ("check", "discover"):
        run(command, "--config", one.path("config.json", one.config))
    one.run()
    run("read", "--config", "nowhere", "--catalog", "nowhere")
    all_messages.flush()
    counts = script("validate.py", all_messages.name)
    with capsys.disabled():
        print("\nvalid messages:", ", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    assert {"SPEC", "CONNECTION_STATUS", "CATALOG", "RECORD", "STATE GLOBAL", "LOG", "TRACE ERROR",
            "TRACE STREAM_STATUS"} <= set(counts)
