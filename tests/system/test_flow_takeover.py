"""Captures that Flow's own connector began: its states are continued here."""

import time

import pytest

from flow import assert_refused, binding
from test_resume import ITEMS, fill


def theirs(database, cursor="now", **modes):
    """A slot and a publication as their connector left them, and its state at the slot's position."""
    if not database.value("SELECT count(*) FROM pg_publication"):
        database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
    if cursor == "now":
        database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
        cursor = database.value("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))
    state = {"bindingStateV1": {f"public%2F{name}": {"mode": mode, "key_columns": ["id"], "scanned": "FQE=", "metadata": {"schema": {}},
                                                     "backfilled": 10} for name, mode in modes.items()}}
    return {**state, **({"cursor": cursor} if cursor != "absent" else {})}


def ops(process, n=0):
    return [(doc["doc"]["_meta"]["op"], doc["doc"]["id"]) for doc in process.docs if doc["binding"] == n]


def test_active_bindings_continue_at_the_cursor(database, flow):
    database.execute(ITEMS, fill(10))
    one = flow(["items"])
    one.state = theirs(database, items="Active")
    database.execute("DELETE FROM items WHERE id = 3", "UPDATE items SET n = 7 WHERE id = 4", "UPDATE items SET id = 50 WHERE id = 5")
    process = one.run()
    assert ops(process) == [("d", 3), ("u", 4), ("d", 5), ("c", 50)]
    assert "bindingStateV1" not in one.state and one.state["streams"]["public%2Fitems"]["mode"] == "Active"
    assert "does not tell which server" in process.stderr
    database.execute("DELETE FROM items WHERE id = 1")
    assert ops(one.run()) == [("d", 1)]


def test_bindings_in_backfill_begin_again(database, flow):
    database.execute(ITEMS, fill(10), ITEMS.replace("items", "others"), fill(5).replace("items", "others"))
    one = flow(["items", "others"])
    one.state = theirs(database, items="Active", others="UnfilteredBackfill")
    database.execute("UPDATE items SET n = 1 WHERE id = 1")
    process = one.run()
    assert ops(process) == [("u", 1)]
    assert sorted(ops(process, 1)) == [("c", key) for key in range(1, 6)]
    assert "public%2Fothers" in process.stderr and "backfilled again" in process.stderr


def test_a_state_that_never_got_past_its_start(database, flow):
    database.execute(ITEMS, fill(4))
    for cursor in (None, "absent"):
        one = flow(["items"])
        one.state = theirs(database, cursor, items="Active")
        assert sorted(ops(one.run())) == [("c", key) for key in range(1, 5)]
        assert "bindingStateV1" not in one.state


def test_to_and_fro(database, flow):
    """Their connector leaves our members in the state: then theirs are newer."""
    database.execute(ITEMS, fill(4))
    one = flow(["items", ])
    one.run()
    ours = one.state
    database.execute("UPDATE items SET n = 1 WHERE id = 1", "SELECT pg_logical_slot_get_binary_changes('%s', NULL, NULL,"
                     " 'proto_version', '1', 'publication_names', '%s')" % (database.slot, database.publication))
    position = database.value("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s", (database.slot,))
    one.state = {**ours, **theirs(database, position, items="Active")}
    one.state["streams"] = {"public%2Fitems": {"mode": "Backfill"}, "public%2Fgone": {"mode": "Active"}}
    database.execute("DELETE FROM items WHERE id = 2")
    process = one.run()
    assert ops(process) == [("d", 2)]
    assert set(one.state["streams"]) == {"public%2Fitems"} and "bindingStateV1" not in one.state


@pytest.mark.since(11)
def test_a_slot_past_the_cursor_is_a_gap(database, flow):
    database.execute(ITEMS, fill(4))
    one = flow(["items"])
    one.state = theirs(database, items="Active")
    database.execute("UPDATE items SET n = 1", f"SELECT pg_replication_slot_advance('{database.slot}', pg_current_wal_lsn())")
    time.sleep(0.1)
    assert_refused(one.start(), "slot")
    one.bindings = [binding("items", backfill=1)]  # what the error says to do
    assert sorted(ops(one.run())) == [("c", key) for key in range(1, 5)]
    assert "bindingStateV1" not in one.state
