"""Lines for Flow's dashboard, and the fields of log messages."""

import json
import time
from contextlib import closing

import pytest

from connector import PATIENCE
from flow import assert_refused
from test_resume import ITEMS, fill

pytestmark = pytest.mark.every_other


def entries(process):
    return [json.loads(line) for line in process.stderr.splitlines()]


def statuses(process):
    return [entry["msg"] for entry in entries(process) if entry.get("eventType") == "connectorStatus"]


def test_statuses_from_the_connection_to_the_stream(database, flow):
    database.execute(ITEMS, fill(30000), "ANALYZE items")
    process = flow(["items"], advanced={"backfill_chunk_size": 100}).start().wait_for_docs(100)
    process.reading.clear()
    time.sleep(3)
    process.reading.set()
    process.wait_for_active()
    time.sleep(2.5)
    said = statuses(process.stop())
    assert said[0] == f"Connecting to 127.0.0.1:{database.server.port}"
    assert said[1] == "Verifying the slot, the publication and the tables"
    assert any(one.startswith("Backfilling 1 table (") and one.endswith(" %)") for one in said), said
    assert said[-1] == "Streaming changes" and said.count("Streaming changes") == 1


def test_what_is_waited_for_is_a_status(database, flow):
    database.execute(ITEMS, fill(10))
    holder = database.connect()
    with holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        process = flow(["items"]).start()
        process.wait_for(lambda run: any("waits for" in one for one in statuses(run)), 60 * PATIENCE)
        cursor.execute("ROLLBACK")
    holder.close()
    process.wait_for_quiet(10)
    process.wait_for(lambda run: statuses(run)[-1] == "Streaming changes").stop()


def test_a_wait_is_shown_until_it_is_over(database, flow):
    database.execute(ITEMS, fill(10))
    process = flow(["items"]).start().wait_for_quiet(10).wait_for(lambda run: statuses(run)[-1] == "Streaming changes")
    with closing(database.server.connect()) as admin, admin.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
        database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        process.wait_for(lambda run: statuses(run)[-1].startswith("replication interrupted, will try again: "))
        time.sleep(2.5)
        assert "interrupted" in statuses(process)[-1]
        cursor.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    process.wait_for(lambda run: statuses(run)[-1] == "Streaming changes").stop()


def test_an_error_has_its_table_and_kind_as_fields(flow):
    process = flow(["missing"]).start()
    assert_refused(process, "missing")
    last = entries(process)[-1]
    assert (last["schema"], last["table"], last["kind"]) == ("public", "missing", "config_error")
    assert all(entry["thread"] for entry in entries(process))
