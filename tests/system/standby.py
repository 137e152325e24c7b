"""A streaming standby of another server, made from a copy of its files while it was stopped."""

import os
import shutil
import time

from connector import PATIENCE
from server import SUPERUSER, Server

SLOT = "of_the_standby"


class Standby(Server):
    """The primary is stopped for the copy, and started again. It has a physical slot for the standby."""

    def __init__(self, primary, **settings):
        conninfo = f"host={primary.directory} port={primary.port} user={SUPERUSER} dbname=postgres"
        super().__init__(primary_conninfo=conninfo, primary_slot_name=SLOT, hot_standby_feedback="on",
                         wal_receiver_status_interval="100ms", wal_retrieve_retry_interval="100ms", sync_replication_slots="on", **settings)
        self.primary = primary

    def initialise(self):
        query(self.primary, f"SELECT pg_create_physical_replication_slot('{SLOT}', true)")
        self.primary.stop()
        copy_files(self.primary, self.data)
        shutil.rmtree(os.path.join(self.data, "pg_replslot"))
        os.mkdir(os.path.join(self.data, "pg_replslot"), 0o700)
        signal = os.path.join(self.data, "standby.signal")
        with open(signal, "w", encoding="ascii"):
            pass
        for path in (signal, os.path.join(self.data, "pg_replslot")):
            own(self, path)
        self.primary.start()

    def has_all(self):
        """Wait until it has replayed all that the primary has written until now."""
        end = query(self.primary, "SELECT pg_current_wal_lsn()")
        until(lambda: query(self, f"SELECT pg_last_wal_replay_lsn() >= '{end}'"))

    def has_slot(self, slot):
        """A copy of it that outlives a promotion."""
        return query(self, "SELECT count(*) FROM pg_replication_slots"
                           f" WHERE slot_name = '{slot}' AND synced AND failover AND NOT temporary")

    def promote(self):
        query(self, "SELECT pg_promote()")


def query(server, statement):
    connection = server.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.05)


def copy_files(server, target):
    """Copy the files of a stopped server."""
    shutil.copytree(server.data, target, copy_function=shutil.copy2)
    for path, _, names in os.walk(target):
        for name in [path] + [os.path.join(path, name) for name in names]:
            own(server, name)


def own(server, path):
    if server.user:
        shutil.chown(path, server.user.pw_name, server.user.pw_gid)
