"""Other programs that are measured beside the connector, fetched from their registries: each writes every row and change that it reads once."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter

import psycopg2
import pytest

from connector import PATIENCE
from server import PASSWORD, SUPERUSER

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "macro"))

import peers  # noqa: E402
from bench import plugin_of  # noqa: E402

pytestmark = [pytest.mark.on_request, pytest.mark.limit(900)]
LABEL = re.compile(rb"label (\d+);")
OTHER_LINES = (b'{"type":"SCHEMA"', b'{"type":"STATE"', b"used config: ")  # Singer's; go-pq-cdc's


@pytest.fixture(name="peer", params=peers.names())
def peer_beside_a_table(request, database):
    """peer(mode, count): the process, which reads a table of 1,000 rows with a slot of its own."""
    try:
        _, command, modes = peers.program(request.param)
    except RuntimeError as error:
        pytest.skip(str(error))
    database.execute("CREATE TABLE labels (id int PRIMARY KEY, label text)",
                     "INSERT INTO labels SELECT n, 'label ' || n || ';' FROM generate_series(1, 1000) n", "ANALYZE labels",
                     f"CREATE PUBLICATION {database.publication} FOR TABLE labels")
    try:
        database.value("SELECT pg_create_logical_replication_slot(%s, %s)", (database.slot, plugin_of(command)))
    except psycopg2.errors.UndefinedFile as error:
        pytest.skip(str(error))
    started = []

    def start(mode, count):
        if mode not in modes:
            pytest.skip(f"{request.param} has no {mode}")
        words = {"host": "127.0.0.1", "port": database.server.port, "user": SUPERUSER, "database": database.name, "sslmode": "disable",
                 "slot": database.slot, "wal2json_slot": database.slot, "publication": database.publication, "mode": mode, "count": count,
                 "tables": "public.labels"}
        started.append(subprocess.Popen([word.format(**words) for word in shlex.split(command)], stdout=subprocess.PIPE,
                                        env={**os.environ, "PGPASSWORD": PASSWORD}))
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.communicate()


def records(process):
    """It has ended well: what it printed, a record a line."""
    printed, _ = process.communicate(timeout=100 * PATIENCE)
    assert process.returncode == 0
    return [line for line in printed.splitlines() if not line.startswith(OTHER_LINES)]


def labels(lines):
    return Counter(int(number) for line in lines for number in LABEL.findall(line))


def test_a_peer_writes_each_row_once(peer):
    lines = records(peer("backfill", 1000))
    assert len(lines) == 1000 and labels(lines) == Counter(range(1, 1001))


def test_a_peer_writes_each_change_once(peer, database):
    """In transactions of one change, and of many."""
    database.execute("INSERT INTO labels SELECT n, 'label ' || n || ';' FROM generate_series(1001, 3000) n",
                     *(f"UPDATE labels SET label = 'label {n + 9000};' WHERE id = {n}" for n in range(1, 51)),
                     "DELETE FROM labels WHERE id > 2900", "SELECT pg_logical_emit_message(true, 'bench', 'behind the end')")
    lines = records(peer("replication", 2150))
    assert len(lines) == 2150 and labels(lines) == Counter([*range(1001, 3001), *range(9001, 9051)])


def test_a_peer_writes_a_change_as_it_comes_until_it_is_stopped(peer, database):
    process = peer("latency", 0)
    for n in (5001, 5002):
        database.execute(f"INSERT INTO labels VALUES ({n}, 'label {n};')")
        while (line := process.stdout.readline()).startswith(OTHER_LINES):
            pass
        assert labels([line]) == Counter([n])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=15 * PATIENCE)
