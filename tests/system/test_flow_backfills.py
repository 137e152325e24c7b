"""backfillBegin and backfillComplete, which are sent only when they are asked for."""

import pytest

from flow import binding
from test_resume import ITEMS, fill

pytestmark = pytest.mark.every_other

ASKED = {"feature_flags": "emit_backfill_messages"}


def said(process):
    """Their kinds and bindings, and documents as their binding alone, repeated ones left out."""
    result = []
    for message in process.messages:
        (kind, body), = message.items()
        one = (kind, body["binding"]) if kind.startswith("backfill") else body["binding"] if kind == "captured" else None
        if one is not None and (not result or result[-1] != one):
            result.append(one)
    return result


def test_nothing_is_said_unless_it_is_asked_for(database, flow):
    database.execute(ITEMS, fill(10))
    assert said(flow(["items"]).run()) == [0]


def test_a_backfill_comes_between_its_begin_and_complete_messages(database, flow):
    database.execute(ITEMS, fill(500), ITEMS.replace("items", "others"), fill(5).replace("items", "others"))
    one = flow(["items", binding("others", mode="Only Changes")], advanced=ASKED)
    assert said(one.run()) == [("backfillBegin", 0), 0, ("backfillComplete", 0)]
    database.execute("UPDATE items SET n = 1 WHERE id = 1", "DELETE FROM others WHERE id = 1")
    assert said(one.run()) == [("backfillComplete", 0), 0, 1]
    one.bindings[1] = binding("others", backfill=1)
    assert said(one.run()) == [("backfillComplete", 0), ("backfillBegin", 1), 1, ("backfillComplete", 1)]


def test_a_backfill_that_continues_does_not_begin_again(database, flow):
    database.execute(ITEMS, fill(50000))
    one = flow(["items"], advanced={**ASKED, "backfill_chunk_size": 50})
    process = one.start().wait_for(lambda run: "backfilled" in run.session.state.get("streams", {}).get("public%2Fitems", {}))
    one.kill(process)
    assert one.state["streams"]["public%2Fitems"]["mode"] == "Backfill"
    assert said(process) == [("backfillBegin", 0), 0]
    assert said(one.run()) == [0, ("backfillComplete", 0)]
    one.assert_equal(items=["id"])


def test_an_end_that_was_not_committed_is_sent_again(database, flow):
    """It comes in the checkpoint after the one whose state has it."""
    database.execute(ITEMS, fill(10))
    one = flow(["items"], advanced=ASKED)
    process = one.start().wait_for_active().wait_for(lambda run: said(run)[-1] == ("backfillComplete", 0))
    process.kill()
    end = [next(iter(message)) for message in process.messages].index("backfillComplete")
    del process.messages[end:]
    one.commit(process)
    assert one.state["streams"]["public%2Fitems"]["mode"] == "Active"
    assert said(one.run()) == [("backfillComplete", 0)]


def test_a_table_that_begins_again_while_it_is_captured(database, flow):
    """After what was captured of it before, and before any of its rows."""
    database.execute(ITEMS, fill(300), database.publish_all)
    one = flow(["items"], advanced=ASKED)
    process = one.start().wait_for_active()
    database.execute("DROP TABLE items", ITEMS, fill(20))
    process.wait_for_docs(320).wait_for_active().stop()
    assert said(process) == [("backfillBegin", 0), 0, ("backfillComplete", 0), ("backfillBegin", 0), 0, ("backfillComplete", 0)]
    began = [index for index, message in enumerate(process.messages) if "backfillBegin" in message][1]
    assert sum("captured" in message for message in process.messages[:began]) == 300


def test_a_table_that_begins_again_in_a_session_that_ends_at_once(database, flow):
    """The state says that nothing is read of it: the next session sends that it begins, whatever this one did."""
    database.execute(ITEMS, fill(300), database.publish_all)
    one = flow(["items"], advanced={**ASKED, "check_interval": "1s"})
    process = one.start().wait_for_active()
    database.execute("DROP TABLE items", "CREATE TABLE items (name text)")
    process.wait_for(lambda run: said(run).count(("backfillBegin", 0)) == 2)
    one.kill(process)
    database.execute("DROP TABLE items", ITEMS, fill(20))
    assert said(one.run()) == [("backfillBegin", 0), 0, ("backfillComplete", 0)]
