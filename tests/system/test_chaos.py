"""Exact under fire: whatever dies, every table equals the sum of its records, and whatever is done to the tables
themselves, nothing more goes wrong than is documented.

CHAOS_SECONDS is the duration (15 unless told), CHAOS_SEED replays the decisions of a run,
CHAOS_LOOK=airbyte captures in the Airbyte look and compares with what a destination by Airbyte's rules has.
"""

import os
import random

import pytest

import chaos_ddl
from again import SOON
from airbyte_destination import Destination, assert_grow, discovered
from capture import Spilled
from chaos import Chaos, StubbornWriter, lost_connection
from database import Database
from kinds import TYPES, changes, create
from server import Server

SECONDS = float(os.environ.get("CHAOS_SECONDS", "15"))
SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
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
        run_chaos(tmp_path, capture, server, database, chance, keys, [changes(kind, f"t_{kind}", ROWS) for kind in KEYS])


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
        made = [changes(kind, f"t_{kind}", ROWS) for kind in KEYS[:2]] + chaos_ddl.writers_changes() * 2
        run_chaos(tmp_path, capture, server, database, chance, keys, made, upheaval)


def keyed_tables(database, chance, kinds=tuple(KEYS)):
    database.execute(*TYPES)
    keys = {f"t_{kind}": create(database, kind, f"t_{kind}", ROWS) for kind in kinds}
    for name in keys:
        if chance.random() < 0.4 or AIRBYTE:  # a destination cannot fill in what an update left alone
            database.execute(f"ALTER TABLE {name} REPLICA IDENTITY FULL")
    return keys


def run_chaos(tmp_path, capture, server, database, chance, keys, made, upheaval=None):
    """`made`: what the writers write; `upheaval` changes the tables themselves."""
    one = capture(list(keys), of=database, tail=True,
                  advanced={"backfill_chunk_size": chance.choice((17, 100, 400)), **(SOON if upheaval else {}),
                            "backfill_workers": chance.choice((1, 2, 4))})
    one.records = Spilled(tmp_path / "records.jsonl")
    if AIRBYTE and not upheaval:
        one.streams = discovered(one, *keys)
        one.sent = Spilled(tmp_path / "sent.jsonl")
    chaos = Chaos(server, database, one, chance.random())
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
        one.run(120)
        if upheaval:
            assert not one.run(120).records, "the run before was not the last word"
        if AIRBYTE and not upheaval:
            compare_destination(one, database, keys)
        else:
            compare(one, database, upheaval.oracles(keys) if upheaval else keys)
    except BaseException:
        print(f"the records that count: {one.records.path}")
        print(f"replay with CHAOS_SEED={SEED}\n" + "\n".join(chaos.log[-60:] + [line for actor in others for line in actor.log[-60:]]))
        raise
    finally:
        finish(writers + others)
        one.kill_all()
    print(f"{sum(writer.transactions for writer in writers)} transactions, {len(one.records)} records, "
          f"{len(one.runs)} runs\n" + "\n".join(chaos.log + [line for actor in others for line in actor.log]))
    for spilled in (one.records, one.sent) if one.sent is not None else (one.records,):
        os.remove(spilled.path)


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
    """One that keeps what a state has settled, and one that keeps all, also what is sent again."""
    for records in (one.records, one.sent):
        destinations = {name: Destination(name, key) for name, key in keys.items()}
        for record in records:
            destinations[record["stream"]].apply(record)
        for destination in destinations.values():
            destination.assert_equal(database, f"CHAOS_SEED={SEED}: ")
    for name, key in keys.items():
        assert_grow((record for record in one.records if record["stream"] == name), key)
