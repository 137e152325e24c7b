"""A proxy that holds back what a client sends, from given bytes on, until the test releases it."""

import threading

from proxy import Pair, Proxy


class Holding(Proxy):
    def __init__(self, port):
        self.words = None  # bytes: the first message with them is held back, and all after it on that connection
        self.streams = threading.Event()  # while it is not set, nothing comes over connections for replication
        self.streams.set()
        self.held, self.free = threading.Event(), threading.Event()
        super().__init__(port)

    def pair(self, client, server):
        return HeldPair(self, client, server)


class HeldPair(Pair):
    replicates = False

    def __init__(self, proxy, client, server):
        super().__init__(client, server, 0)
        self.proxy = proxy

    def pump(self, source, sink):
        try:
            while block := source.recv(1 << 16):
                words = self.proxy.words
                if source is self.client and words and words in block and not self.proxy.held.is_set():
                    self.proxy.held.set()
                    self.proxy.free.wait(30)
                self.replicates |= b"replication\0database" in block
                if self.replicates:
                    self.proxy.streams.wait(30)
                sink.sendall(block)
            sink.shutdown(2)
        except OSError:
            self.close()
