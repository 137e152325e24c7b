"""Airbyte's own programs: PyAirbyte drives the connector, and the protocol's models judge its messages.

They come from the Python registry; where it is out of reach the tests are skipped, and say so.
"""

import json

import pytest

import airbyte_python
from connector import PATIENCE, all_messages, executable, run


@pytest.fixture(name="script", scope="session")
def script_runner():
    """script(name, argument ...): what a script of tests/airbyte prints last."""
    why_not = airbyte_python.installed()
    if why_not:
        pytest.skip(why_not)

    def run_to_success(name, *arguments):
        done = airbyte_python.run_script(name, *arguments, limit_s=150 * PATIENCE)
        assert done.returncode == 0, done.stderr[-5000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run_to_success


def live_rows(rows):
    """PyAirbyte merges records by key and knows nothing of deletes: a deleted row stays, marked in `_meta`."""
    return {row["id"]: {name: value for name, value in row.items() if name != "_meta"}
            for row in rows if row["_meta"]["op"] != "d"}


@pytest.mark.last
@pytest.mark.limit(400)
def test_pyairbyte_keeps_a_cache_in_step(database, tmp_path, script):
    """It keeps states by stream alone, so it is given those."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
                     "INSERT INTO items SELECT n, 0, 'row ' || n FROM generate_series(1, 1000) n",
                     "CREATE TABLE empty (id int PRIMARY KEY)")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(database.config(advanced={"state_type": "stream"})))
    sync = [executable(), str(config), str(tmp_path / "cache.duckdb"), "items", "empty"]

    def assert_in_step(synced):
        table = {row[0]: {"id": row[0], "n": row[1], "name": row[2]} for row in database.query("SELECT * FROM items")}
        assert live_rows(synced["rows"]["items"]) == table and synced["rows"]["empty"] == []

    first = script("sync.py", *sync)
    assert first["records"] == 1000
    assert_in_step(first)
    database.execute("UPDATE items SET n = 1, name = 'changed' WHERE id <= 100", "DELETE FROM items WHERE id > 950",
                     "INSERT INTO items VALUES (999, 2, 'again')", "UPDATE items SET id = 2000 WHERE id = 500")
    second = script("sync.py", *sync)
    assert second["records"] == 100 + 50 + 1 + 2
    assert_in_step(second)


@pytest.mark.last
@pytest.mark.limit(300)
def test_every_message_of_the_suite_is_valid(database, capture, script, capsys):
    """With a run of each command, for when it stands alone."""
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
