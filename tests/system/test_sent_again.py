"""A connection that is lost late in a large transaction: the events that come again are dropped, without being kept in
memory."""

import pytest

from connector import PATIENCE

ROWS, WIDTH = 60000, 4000  # 240 MB
PEAK_MIB = 128

pytestmark = [pytest.mark.long, pytest.mark.limit(150)]


def test_what_comes_again_takes_no_memory(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, text text)")
    one = capture(["t"])
    one.run()
    database.execute(f"INSERT INTO t SELECT n, repeat(chr(65 + n % 26), {WIDTH}) FROM generate_series(1, {ROWS}) n")
    seen = []
    process = one.start(consumer=lambda message: seen.append(message["record"]["data"]["id"])
                        if message["type"] == "RECORD" else None)
    process.wait_for(lambda _: len(seen) >= ROWS // 2)
    database.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                     " WHERE active AND database = current_database()")
    process.succeed()
    assert "replication interrupted, will try again" in process.stderr
    assert seen == list(range(1, ROWS + 1))
    peak_mib = process.peak_kib / 1024
    assert peak_mib < PEAK_MIB or PATIENCE > 1, f"peak memory {peak_mib:.1f} MiB"
