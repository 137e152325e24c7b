"""Where the measured database is: its routes, what a capture needs there, and how to log in. No password is in a command line."""

import os
import tempfile
from contextlib import ExitStack, closing

from psycopg2.extensions import make_dsn

from authority import Authority
from relay import Relay
from server import PASSWORD, SUPERUSER

DATABASE = "postgres"
PUBLICATION, TABLES_ALONE = "bench", "bench_tables"  # the second without the watermarks, which other programs would read
WATERMARKS = "public.bench_watermarks"
PEM_OPTIONS = ("sslrootcert", "sslcert", "sslkey")


class Place:
    """`routes`: libpq's parameters by the route's name, without a password. `variables`: what programs find the password by."""
    publication, advanced, password = PUBLICATION, {}, None

    def __init__(self, routes, variables):
        self.routes, self.variables = routes, variables
        self.relays = {}  # what stands between, whose CPU is measured: by the route's name, where there is one

    def dsn(self, route):
        """For PostgreSQL's own programs."""
        return make_dsn(**self.routes[route])

    def config(self, route, slot, **advanced):
        """For the connector."""
        parameters = self.routes[route]
        tls = {name: read_text(parameters[name]) if name in PEM_OPTIONS else parameters[name]
               for name in ("sslmode", *PEM_OPTIONS) if name in parameters}
        password = {"password": self.password} if self.password else {}
        return {"host": parameters["host"], "port": int(parameters["port"]), "user": parameters["user"], **password,
                "database": parameters["dbname"], "slot_name": slot, "publication_name": self.publication, **self.settings(),
                "advanced": {**self.advanced, **tls, **advanced}}

    def settings(self):
        return {}

    def tables_alone(self):
        """The publication for other programs."""
        return self.publication


class Throwaway(Place):
    """A server that is ours. Use it in a `with` statement."""
    password, slots = PASSWORD, "bench"

    def __init__(self, server, options):
        super().__init__({}, {"PGPASSWORD": PASSWORD})
        self.server, self.options = server, options
        self.left = ExitStack()

    def __enter__(self):
        self.directory = self.left.enter_context(tempfile.TemporaryDirectory(prefix="source-postgres-bench-"))
        transports = self.options.transport or ["tcp", "socket", *(["tls"] if self.options.tls else [])]
        if "tls" in transports:
            self.encrypt()
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {WATERMARKS} (slot text PRIMARY KEY, watermark text)")
            cursor.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {WATERMARKS}")
            cursor.execute(f"CREATE PUBLICATION {TABLES_ALONE}")
        for transport in transports:
            self.add(transport)
        return self

    def __exit__(self, *_):
        self.left.close()

    def add(self, transport):
        """Its route, and the same with each delay."""
        common = {"port": self.server.port, "user": SUPERUSER, "dbname": DATABASE}
        if transport == "socket":
            self.routes[transport] = {"host": self.server.directory, **common}
            return
        self.routes[transport] = {"host": "127.0.0.1", **common, "sslmode": "require" if transport == "tls" else "disable"}
        for delay_ms in self.options.delay:
            relay = self.left.enter_context(Relay(self.directory, self.server.port, delay_ms))
            self.relays[f"{transport}+{delay_ms:g}ms"] = relay
            self.routes[f"{transport}+{delay_ms:g}ms"] = {**self.routes[transport], "port": relay.port}

    def encrypt(self):
        Authority(self.server.directory).certify(self.server)
        self.server.settings["ssl"] = "on"
        self.server.restart()

    def connect(self):
        return self.server.connect(DATABASE)

    def settings(self):
        return {"watermarks_table": WATERMARKS}

    def tables_alone(self):
        return TABLES_ALONE


def read_text(path):
    with open(os.path.expanduser(path), encoding="ascii") as file:
        return file.read()
