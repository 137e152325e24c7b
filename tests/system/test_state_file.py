"""A state file that its consumer rewrites while the read runs: only this makes the server release WAL."""

import copy
import json
import os
import time

import pytest

pytestmark = pytest.mark.every_other


def shared_of(state):
    return state["global"]["shared_state"] if state["type"] == "GLOBAL" else state["stream"]["stream_state"]


def cursor_of(state):
    return shared_of(state)["cursor"]


class Reader:
    """A read that tails, beside a consumer that keeps the state file."""

    def __init__(self, database, one):
        self.database, self.one = database, one
        one.state = []
        self.path = one.path("state.json", one.state)
        self.process = one.start().wait_for_active()

    def write(self, state):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.rename(self.path + ".new", self.path)

    def insert(self, n):
        count = len(self.process.records)
        self.database.execute(f"INSERT INTO t VALUES ({n})")
        self.process.wait_for_state(count + 1)
        return self.process.states[-1]

    def flushed(self):
        return self.database.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", (self.database.slot,))

    def wait_until_flushed(self, state):
        self.database.wait_for(f"SELECT confirmed_flush_lsn = '{cursor_of(state)}' FROM pg_replication_slots"
                               f" WHERE slot_name = '{self.database.slot}'")


@pytest.fixture(name="reader", params=["global", "stream"])
def running_reader(database, capture, request):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    return Reader(database, capture(["t"], tail=True, advanced={"state_type": request.param}))


def test_what_it_proves_is_released(reader):
    """And no more than that: a run that starts from the file misses nothing."""
    for n in (2, 3):
        state = reader.insert(n)
        reader.write(state)
        reader.wait_until_flushed(state)
    later = reader.insert(4)
    assert reader.flushed() == cursor_of(state) != cursor_of(later)
    reader.process.kill()
    reader.one.state, reader.one.tail = [state], False
    assert [record["data"]["id"] for record in reader.one.run().records] == [4]


def test_one_that_goes_back_holds_nothing_up(reader):
    """The slot does not go back, and later states count."""
    first, second = reader.insert(2), reader.insert(3)
    reader.write(second)
    reader.wait_until_flushed(second)
    reader.write(first)
    time.sleep(1.5)
    assert reader.flushed() == cursor_of(second)
    third = reader.insert(4)
    reader.write(third)
    reader.wait_until_flushed(third)
    assert "acknowledges nothing" not in reader.process.stop().stderr


def changed(state, **members):
    state = copy.deepcopy(state)
    shared_of(state).update(members)
    return state


def test_one_that_is_gone_is_a_warning(reader):
    before = reader.insert(2)
    reader.write(before)
    reader.wait_until_flushed(before)
    os.remove(reader.path)
    reader.process.wait_for(lambda run: "cannot be seen (No such file or directory)" in run.stderr)
    state = reader.insert(3)
    reader.write(state)
    reader.wait_until_flushed(state)
    assert reader.process.stop().stderr.count("cannot be seen") == 1


@pytest.mark.parametrize("wrong", ["half", "another slot", "another server", "ahead", "empty"])
def test_one_that_is_not_of_this_read_acknowledges_nothing(reader, wrong):
    before = reader.insert(2)
    reader.write(before)
    reader.wait_until_flushed(before)
    state = reader.insert(3)
    if wrong == "half":
        with open(reader.path, "w", encoding="utf-8") as file:
            file.write(json.dumps(state)[:-20])
    else:
        reader.write({"another slot": changed(state, slot="another"), "another server": changed(state, system_identifier="7"),
                      "ahead": changed(state, cursor="FF/1"), "empty": []}[wrong])
    reader.process.wait_for(lambda run: "acknowledges nothing" in run.stderr)
    assert reader.flushed() == cursor_of(before)
    reader.write(state)
    reader.wait_until_flushed(state)
    assert reader.process.stop().stderr.count("acknowledges nothing") == 1
