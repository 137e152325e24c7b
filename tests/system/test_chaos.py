"""Exact under fire: whatever is killed, every table equals the sum of its records, and whatever is done to the tables
themselves, nothing more goes wrong than is documented. CHAOS_SECONDS is the duration (default 8), CHAOS_SEED replays
the decisions of a run, CHAOS_LOOK=airbyte captures in the Airbyte look and compares with what a destination by
Airbyte's rules has, CHAOS_READ_ONLY=1 or 0 captures without watermarks or with them (default: at random).
"""

import os
import random
import time

import pytest

import chaos_ddl
from again import SOON
from airbyte_destination import Destination, assert_grow, discovered
from capture import Spilled
from chaos import Chaos, StubbornWriter, lost_connection
from connector import PATIENCE
from database import Database
from kinds import TYPES, changes, create, many_changes
from server import Server, major
from standby import Standby

LAST_S = 180
SECONDS = float(os.environ.get("CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
READ_ONLY = os.environ.get("CHAOS_READ_ONLY")
AIRBYTE = os.environ.get("CHAOS_LOOK") == "airbyte"
KEYS = ["int", "uuid", "text_c", "text_icu", "numeric", "composite", "timestamptz", "enum"]
ROWS = 3000


@pytest.mark.limit(SECONDS + 240)
def test_chaos(tmp_path, capture):
    print(f"CHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:g}")
    with Server(lifetime_s=SECONDS + 600) as server:
        database = Database(server)
        chance = random.Random(SEED)
        keys = keyed_tables(database, chance)
        run_chaos(tmp_path, capture, server, database, chance, keys, keyed_changes(KEYS))


@pytest.mark.limit(SECONDS + 240)
def test_chaos_with_ddl(tmp_path, capture):
    """The same while tables are changed, rewritten, truncated, made again and not published for a while."""
    print(f"CHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:g}")
    with Server(lifetime_s=SECONDS + 600) as server:
        database = Database(server)
        if database.connection.server_version < 130000:
            pytest.skip("partitioned tables are published from PostgreSQL 13 on")
        chance = random.Random(SEED)
        database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES WITH (publish_via_partition_root = true)")
        keys = {**keyed_tables(database, chance, KEYS[:2]), **chaos_ddl.create(database)}
        upheaval = chaos_ddl.Upheaval(database, list(keys), chance.random(), lost_connection)
        made = keyed_changes(KEYS[:2]) + chaos_ddl.writers_changes() * 2
        run_chaos(tmp_path, capture, server, database, chance, keys, made, upheaval)


@pytest.mark.skipif(major() < 16, reason="a standby decodes WAL from PostgreSQL 16 on")
@pytest.mark.limit(SECONDS + 240)
def test_chaos_at_a_standby(tmp_path, capture):
    """Faults of the standby, and of its connections, while its primary is written to."""
    print(f"CHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:g}")
    with Server(lifetime_s=SECONDS + 600) as primary:
        database = Database(primary)
        with Standby(primary, lifetime_s=SECONDS + 600) as standby:
            chance = random.Random(SEED)
            database.reconnect()
            keys = keyed_tables(database, chance)
            database.execute(f"CREATE PUBLICATION {database.publication} FOR ALL TABLES")
            standby.has_all()
            made = keyed_changes(KEYS)
            waited_for = [lambda _: ["SELECT pg_log_standby_snapshot()"]]  # by the creation of a slot
            run_chaos(tmp_path, capture, standby, database, chance, keys, made + waited_for, standby=standby)


def keyed_tables(database, chance, kinds=tuple(KEYS)):
    database.execute(*TYPES)
    keys = {f"t_{kind}": create(database, kind, f"t_{kind}", ROWS) for kind in kinds}
    for name in keys:
        if chance.random() < 0.4 or AIRBYTE:  # a destination cannot fill in what an update left alone
            database.execute(f"ALTER TABLE {name} REPLICA IDENTITY FULL")
    return keys


def keyed_changes(kinds):
    return [changes(kind, f"t_{kind}", ROWS) for kind in kinds] + [many_changes(f"t_{kinds[0]}")]


def run_chaos(tmp_path, capture, server, database, chance, keys, made, upheaval=None, standby=None):
    """`made`: the tables and writers; `upheaval` changes the tables themselves; captured at `standby`, or at the
    primary."""
    by_chance = chance.random() < 0.5
    if chance.random() < 0.5:
        database.stream_from(64)
    one = capture(list(keys), of=database, tail=True, port=server.port,
                  advanced={"backfill_chunk_size": chance.choice((17, 100, 400)), **(SOON if upheaval else {}),
                            "backfill_workers": chance.choice((1, 2, 4)),
                            "read_only_capture": bool(standby) or (by_chance if READ_ONLY is None else READ_ONLY == "1")})
    one.records = Spilled(tmp_path / "records.jsonl")
    if AIRBYTE and not upheaval:
        one.streams = discovered(one, *keys)
        one.sent = Spilled(tmp_path / "sent.jsonl")
    view = Database(standby, database.name, create=False) if standby else database
    chaos = Chaos(server, view, one, chance.random())
    writers = [StubbornWriter(database, made, chance.random()) for _ in range(3)]
    others = [upheaval] if upheaval else []
    for actor in writers + others:
        actor.start()
    try:
        chaos.run(SECONDS)
        finish(writers)
        finish(others)
        database.reconnect()
        one.tail = False
        last = one.start()
        wait_for_last(last)
        one.keep(last.succeed())
        if upheaval:
            assert not one.run(120).records, "the run before was not the last word"
        if AIRBYTE and not upheaval:
            compare_destination(one, database, keys)
        else:
            compare(one, database, upheaval.oracles(keys) if upheaval else keys)
    except BaseException:
        print(f"the records that count: {one.records.path}")
        print(f"replay with CHAOS_SEED={SEED}\n" + "\n".join(chaos.log[-60:] + [line for actor in others for line in actor.log[-60:]]
                                                   + [line for run in one.runs for line in run.stderr.splitlines() if "backfilled again" in line]))
        raise
    finally:
        finish(writers + others)
        one.kill_all()
    print(f"{sum(writer.transactions for writer in writers)} transactions, {len(one.records)} records, "
          f"{len(one.runs)} runs\n" + "\n".join(chaos.log + [line for actor in others for line in actor.log]))
    for spilled in (one.records, one.sent) if one.sent is not None else (one.records,):
        os.remove(spilled.path)


def wait_for_last(last):
    """It reads all that is left."""
    until = time.monotonic() + LAST_S * PATIENCE
    while last.process.poll() is None and time.monotonic() < until:
        if "could not map filenode" in last.stderr:
            pytest.skip("the server cannot decode its own WAL: a fault of PostgreSQL, which retries do not help")
        time.sleep(0.5)
    assert last.process.poll() is not None, f"the last run does not end\n{last.story()}"


def finish(writers):
    for writer in writers:
        writer.stopping.set()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive(), "a writer hangs"
        if writer.failure:
            raise writer.failure


def compare(one, database, keys):
    one.materialised(keys).assert_equal(database, f"CHAOS_SEED={SEED}: ")


def compare_destination(one, database, keys):
    """A consumer that keeps the records that a state covers, and one that keeps all, also those sent again."""
    for records in (one.records, one.sent):
        destinations = {name: Destination(name, key) for name, key in keys.items()}
        for record in records:
            destinations[record["stream"]].apply(record)
        for destination in destinations.values():
            destination.assert_equal(database, f"CHAOS_SEED={SEED}: ")
    for name, key in keys.items():
        assert_grow((record for record in one.records if record["stream"] == name), key)
