"""A failover to a server that lacks the last WAL, while the stream of changes was silent: what the old server reported
by then is of a history that has ended."""

import shutil
import signal
import time

import pytest

from again import SOON, said_again
from capture import Capture
from database import Database
from held import Holding
from server import Server
from standby import copy_files, own as give
from test_failover import promoted


class Pair:
    """A capture of t over a proxy that leads to `old`, and `new`, which is to take over."""

    def __init__(self, old, new, proxy, directory):
        self.old, self.new, self.proxy = old, new, proxy
        self.own = Database(old)
        self.own.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 100) n")
        self.one = Capture(self.own, directory, ["t"], tail=True, advanced=SOON, port=proxy.port)

    def part(self):
        """From now on the stream is silent, and what happens on the old server is unknown to the new one."""
        time.sleep(0.5)
        self.proxy.streams.clear()
        self.own.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
        self.own.connection.close()
        self.old.stop()
        self.new.stop()
        shutil.rmtree(self.new.data)
        copy_files(self.old, self.new.data)
        give(self.new, self.new.data)
        self.old.start()
        self.own.connection = self.own.connect()

    def fail_over(self):
        self.own.connection.close()
        self.old.stop()
        promoted(self.new)
        self.proxy.lead_to(self.new.port)
        self.own.server = self.new
        self.own.connection = self.own.connect()
        self.proxy.streams.set()


@pytest.fixture(name="pair")
def pair_of_servers(tmp_path):
    with Server() as old, Server() as new, Holding(old.port) as proxy:
        pair = Pair(old, new, proxy, tmp_path)
        yield pair
        pair.one.kill_all()
        pair.own.connection.close()


def test_rows_that_the_new_server_lacks_end_the_run(pair):
    process = pair.one.start().wait_for_active()
    pair.part()
    pair.own.execute("INSERT INTO t VALUES (1000, 0)")
    pair.one.streams[0]["generation_id"] = 2
    pair.one.write_catalog()
    process.process.send_signal(signal.SIGHUP)
    process.wait_for(said_again)
    time.sleep(1)  # the rows are read
    pair.fail_over()
    process.finish(30)
    assert "the server was promoted to timeline 2 while rows were read" in process.stderr, process.story()
    assert 1000 not in {record["data"]["id"] for record in process.records}


def test_looks_continue_at_an_older_position(pair):
    """The last look at the old server has a position that the new one reaches much later."""
    process = pair.one.start().wait_for_active()
    pair.part()
    pair.own.execute("CREATE TABLE other AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
    time.sleep(3)  # a look or two
    pair.fail_over()
    pair.own.execute(f"ALTER PUBLICATION {pair.own.publication} SET (publish = 'insert')", "UPDATE t SET n = 1 WHERE id = 1")
    process.wait_for(said_again, 20)
