"""A parent by inheritance whose rows lie in its children, as a hypertable's: their changes come under their own names,
and it has no rows itself. A warning says so if the parent is captured, at check and at start."""

import signal

import pytest

from capture import stream
from connector import run

PARENT = ("CREATE TABLE parent (id int PRIMARY KEY, a text)", "CREATE TABLE alone (id int PRIMARY KEY)")
CHILD = ("CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)",)
ROWS = ("INSERT INTO child SELECT n, 'a' FROM generate_series(1, 10) n",)


def said(text):
    return [line for line in text.splitlines() if "public.parent" in line and "inherit" in line.lower()]


def checked(one):
    """The output of a check: its answer, and its log."""
    process = run("check", "--config", one.path("config.json", one.config)).succeed()
    answer = process.of_type("CONNECTION_STATUS")[0]["connectionStatus"]
    return answer, answer.get("message", "") + "\n" + process.stderr


def test_check_says_it(database, capture):
    database.execute(*PARENT, *CHILD, *ROWS)
    answer, text = checked(capture(["parent"]))
    assert len(said(text)) == 1, text
    assert "public.child" in text, "a user who is to capture the children must know their names"
    assert answer["status"] == "SUCCEEDED", "other tables may be what is captured"


def test_a_read_says_it_at_its_start(database, capture):
    database.execute(*PARENT, *CHILD, *ROWS)
    one = capture(["parent", "alone"])
    process = one.run()
    assert len(said(process.stderr)) == 1 and "public.child" in process.stderr, process.story()
    assert any(message["log"]["level"] == "WARN" and "public.parent" in message["log"]["message"]
               for message in process.of_type("LOG")), process.of_type("LOG")
    assert not process.records
    assert said(one.run().stderr), "it is said at each start"


def test_a_read_says_it_of_a_stream_that_joins(database, capture):
    database.execute(*PARENT, *CHILD, *ROWS)
    one = capture(["alone"], tail=True)
    process = one.start().wait_for_active()
    one.streams.append(stream("parent"))
    one.write_catalog()
    process.process.send_signal(signal.SIGHUP)
    process.wait_for(lambda run: "public.parent joins" in run.stderr)
    assert len(said(process.stop().stderr)) == 1, process.story()


def test_flow_says_it_at_its_start(database, flow):
    database.execute(*PARENT, *CHILD, *ROWS)
    process = flow(["parent"]).run()
    assert said(process.stderr), process.story()


def test_rows_of_its_own_are_captured(database, capture):
    database.execute(*PARENT, *CHILD, *ROWS, "INSERT INTO parent VALUES (100, 'own')")
    one = capture(["parent"])
    assert said(one.run().stderr)
    database.execute("INSERT INTO parent VALUES (101, 'own')", "INSERT INTO child VALUES (102, 'not')")
    one.run()
    assert [record["data"]["id"] for record in one.records] == [100, 101]


@pytest.mark.parametrize("definition", [PARENT, PARENT + CHILD])
def test_nothing_is_said_where_no_rows_lie_in_children(database, capture, definition):
    database.execute(*definition, "INSERT INTO parent VALUES (1, 'own')")
    one = capture(["parent", "alone"])
    assert not said(checked(one)[1])
    assert not said(one.run().stderr)


def test_nothing_is_said_of_partitions(database, capture):
    database.execute("CREATE TABLE parent (id int) PARTITION BY RANGE (id)", "CREATE TABLE child PARTITION OF parent DEFAULT",
                     "INSERT INTO parent VALUES (1)", "CREATE TABLE alone (id int PRIMARY KEY)")
    one = capture(["alone"])
    assert not said(checked(one)[1])
    assert not said(one.run().stderr)


def test_nothing_is_said_of_children_that_are_captured_themselves(database, capture):
    """Then it is known where the rows come from."""
    database.execute(*PARENT, *CHILD, *ROWS)
    one = capture(["parent", "child"])
    assert not said(one.run().stderr)
    one.assert_equal(child=["id"])
