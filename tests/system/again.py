"""A table that is backfilled again: the log's lines about it, and waiting until its rows are out."""

import itertools
import json
import re
import signal
import time
from contextlib import closing, contextmanager

from connector import whole

SOON = {"check_interval": "1s"}


def warnings(process, table="public.t"):
    """The log's warnings that name the table, in both protocols."""
    name = re.compile(rf"(?<![\w.\"]){re.escape(table)}(?![\w\"]|\.\w)")
    return [text for text in warned(process.stderr) if name.search(text)]


def warned(log):
    for line in log.splitlines():
        if line.startswith("WARN: "):
            yield line.removeprefix("WARN: ")
        elif line.startswith("{"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # its end is still to come
            if entry.get("level") == "warn":
                yield entry["msg"]


def said_again(process, table="public.t"):
    return [text for text in warnings(process, table) if "backfilled again" in text]


def assert_said_again(process, table="public.t", times=1):
    assert len(said_again(process, table)) == times, (
        f"{times} warnings are expected that name {table} and say that it is backfilled again\n{process.story()}")


def location(record):
    return record["data"]["_meta"]["source"]["loc"]


def is_first_of_a_life(message, table="t"):
    return message["type"] == "RECORD" and message["record"]["stream"] == table and (
        location(message["record"])[:2] == [-1, 0])


def mode_of(state, table="public.t"):
    return whole(state)["streams"][table]["mode"]


def lives_that_are_out(process, table="t"):
    """How many times the table was backfilled to its end, according to the records and states of one run."""
    begun = out = 0
    for message in list(process.messages):
        begun += is_first_of_a_life(message, table)
        if message["type"] == "STATE" and mode_of(message["state"], f"public.{table}") == "Active":
            out = begun
    return out


def wait_until_again(process, table="t", lives=2):
    """Wait until the table's rows are out for that many times in this run."""
    process.wait_for(lambda run: lives_that_are_out(run, table) >= lives)
    return process


def assert_lives(one, keys, lives):
    """Check that the records add up to the tables; each table in `lives` had exactly so many lives, and all others had
    one."""
    result = one.materialised(keys, lives)
    result.assert_equal(one.database)
    for table, expected in lives.items():
        life = result.oracles["public", table].life
        assert life == expected, f"public.{table} was backfilled {life} times, {expected} are expected"


def pause_in_backfill(one, total, after=20, table="t"):
    """A run of the capture that is paused with some of the table's `total` rows out. With small chunks others are
    probably not even read."""
    count = itertools.count(1)
    process = one.start(pause_at=lambda message: message["type"] == "RECORD" and message["record"]["stream"] == table
                        and next(count) >= after).wait_until_paused()
    time.sleep(0.1)  # what it had written is still to be read
    assert len(process.records_of(table)) < total / 2, "the backfill is nearly over: this test tests nothing"
    return process


def stand_still(process, table="t"):
    """Pause the process at the table's first row, until resume_from()."""
    process.pause_at = lambda message: message["type"] == "RECORD" and message["record"]["stream"] == table and (
        process.process.send_signal(signal.SIGSTOP) or True)
    process.wait_until_paused()


def resume_from(process):
    process.process.send_signal(signal.SIGCONT)
    return process.go_on()


@contextmanager
def held_in_backfill(one, table="t"):
    """A run of the capture whose backfill of the table is blocked by a lock in the middle, while the `with` block
    lasts. It is paused from its first row on until the lock is taken."""
    process = one.start()
    stand_still(process, table)
    with closing(one.database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table}")
        yield resume_from(process)


def kill_in_backfill(one, total, table="t"):
    """The records that count end with a state in the middle of the backfill."""
    with held_in_backfill(one, table) as process:
        process.wait_for(lambda run: run.states and whole(run.states[-1])["streams"][f"public.{table}"].get("backfilled"))
        one.keep(process.kill())
    assert mode_of(one.state[0], f"public.{table}") == "Backfill" and len(one.records) < total, (
        "the backfill was over: this test tests nothing")
    return process


# A table without key whose rows have versions (oracle.Versions), and what is written to it.
LOOSE = ("CREATE SEQUENCE versions", "CREATE TABLE loose (id bigint, v bigint DEFAULT nextval('versions'))",
         "ALTER TABLE loose REPLICA IDENTITY FULL", "INSERT INTO loose SELECT generate_series(1, 600)")


def change_loose(chance):
    one = chance.randint(1, 600)
    return [chance.choice((f"UPDATE loose SET v = nextval('versions') WHERE id = {one}", f"DELETE FROM loose WHERE id = {one}",
                           "INSERT INTO loose SELECT nextval('versions') + 1000000"))]
