"""A proxy that makes the server as far away as one in another region is."""

import queue
import socket
import threading
import time

from proxy import Pair, Proxy


class FarProxy(Proxy):
    def __init__(self, port, round_trip_s):
        self.round_trip_s = round_trip_s
        super().__init__(port)

    def pair(self, client, server):
        return FarPair(client, server, self.round_trip_s)


class FarPair(Pair):
    """Each block arrives half a round trip later; others are on their way meanwhile."""

    def __init__(self, client, server, round_trip_s):
        super().__init__(client, server, 0)
        self.round_trip_s = round_trip_s
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def pump(self, source, sink):
        on_the_way = queue.Queue()
        threading.Thread(target=self.deliver, args=(on_the_way, sink), daemon=True).start()
        block = b"x"
        while block:
            try:
                block = source.recv(1 << 16)
            except OSError:
                block = b""
            on_the_way.put((time.monotonic() + self.round_trip_s / 2, block))

    def deliver(self, on_the_way, sink):
        try:
            while True:
                due, block = on_the_way.get()
                time.sleep(max(0, due - time.monotonic()))
                if not block:
                    break
                sink.sendall(block)
        except OSError:
            pass
        self.cut()
