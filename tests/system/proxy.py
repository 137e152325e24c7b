"""A TCP proxy that can fall silent: nothing passes any more over open connections, and neither end is notified."""

import socket
import threading

READY = b"Z\0\0\0\5I"  # for a query

class Proxy:
    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.deaf = 0  # later connections get no more data after so many ReadyForQuery messages; 0: no limit
        self.lock = threading.Lock()
        self.frozen = False
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for pair in self.pairs:
            pair.close()

    def freeze(self, later=False):
        """Freeze all open connections; later ones pass, unless they are frozen, too."""
        with self.lock:
            self.frozen = later
            for pair in self.pairs:
                pair.frozen = True

    def lead_to(self, port):
        """Cut open connections, and lead later ones elsewhere."""
        with self.lock:
            self.target = port
            for pair in self.pairs:
                pair.cut()
            self.pairs.clear()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()  # the server is down
                continue
            pair = self.pair(client, server)
            with self.lock:
                pair.frozen = self.frozen
                self.pairs.append(pair)
            pair.start()

    def pair(self, client, server):
        return Pair(client, server, self.deaf)


class Pair:
    def __init__(self, client, server, deaf):
        self.client, self.server, self.deaf = client, server, deaf
        self.frozen = False

    def start(self):
        for source, sink in ((self.client, self.server), (self.server, self.client)):
            threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        """Data in flight when it freezes is lost."""
        try:
            while (block := source.recv(1 << 16)) and not self.frozen:
                sink.sendall(block)
                if self.deaf and source is self.server and block.endswith(READY):
                    self.deaf -= 1
                    self.frozen |= self.deaf == 0
            if not self.frozen:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            if not self.frozen:
                self.close()

    def cut(self):
        for one in (self.client, self.server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        for one in (self.client, self.server):
            one.close()
