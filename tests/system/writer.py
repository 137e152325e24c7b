"""Writers that change tables beside a capture, each a thread with its own session."""

import random
import threading
import time
from contextlib import closing

import psycopg2


class Writer:
    """Runs transactions until the `with` block ends. `make(random)` lists a transaction's statements."""

    def __init__(self, database, make, seed=1, pause_s=0.0, commit_share=1.0):
        self.database, self.make = database, make
        self.random = random.Random(seed)
        self.pause_s, self.commit_share = pause_s, commit_share
        self.transactions = 0
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        self.thread.join(60)
        if kind is None:
            assert not self.thread.is_alive(), "a writer hangs"
            if self.failure:
                raise self.failure

    def work(self):
        try:
            with closing(self.database.connect()) as connection, connection.cursor() as cursor:
                while not self.stopping.is_set():
                    self.one(cursor)
                    time.sleep(self.pause_s)
        except Exception as error:  # shown by the test's own thread
            self.failure = error

    def one(self, cursor):
        commit = self.random.random() < self.commit_share
        try:
            cursor.execute("BEGIN;" + ";".join(self.make(self.random)) + (";COMMIT" if commit else ";ROLLBACK"))
        except (psycopg2.IntegrityError, psycopg2.errors.DeadlockDetected):
            cursor.execute("ROLLBACK")  # the key is taken, or another writer has locked the row
        self.transactions += 1
