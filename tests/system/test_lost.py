"""A connection that is lost while the server says that it has cancelled the query: the next one begins again."""

import time

import proxy

CANCELLED, READY = b"C57014", b"Z\0\0\0\5"


class Cutting(proxy.Pair):
    """Ends with the first query that is cancelled, before the server says that it is ready again."""
    done = False

    def pump(self, source, sink):
        try:
            while block := source.recv(1 << 16):
                if CANCELLED in block and not Cutting.done:
                    Cutting.done = True
                    at = block.index(CANCELLED)
                    sink.sendall(block[:at] + block[at:].split(READY)[0])
                    time.sleep(0.2)
                    self.end()
                    return
                sink.sendall(block)
            sink.shutdown(1)
        except OSError:
            self.close()

    def end(self):
        for one in (self.client, self.server):
            one.shutdown(2)
            one.close()


def test_a_connection_lost_with_its_cancelled_query(database, capture, monkeypatch):
    monkeypatch.setattr(proxy, "Pair", Cutting)
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT n, 0 FROM generate_series(1, 20000) n")
    with proxy.Proxy(database.server.port) as between:
        one = capture(["t"], port=between.port, advanced={"backfill_chunk_size": 20})
        process = one.start()
        process.wait_for_records(200)
        for _ in range(3000):
            database.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%backfill%'"
                             " AND state = 'active' AND query LIKE 'SELECT \"id\"%'")
            if Cutting.done or process.process.poll() is not None:
                break
        assert Cutting.done
        process.succeed()
    assert len(process.records) == 20000
