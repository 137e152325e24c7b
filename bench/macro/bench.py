"""What the measurements share: the server, the slots, the files for the connector, the results."""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing

import measured
from connector import environment, executable
from server import PASSWORD, SUPERUSER, binary

DATABASE = "postgres"
PUBLICATION = "bench"
WATERMARKS = "public.bench_watermarks"
RUN_LIMIT_S = 900
TRANSPORTS = ("tcp", "socket")


class Bench:
    def __init__(self, server, options):
        self.server, self.options = server, options
        self.transports = options.transport or TRANSPORTS
        self.rounds, self.scale = max(1, options.rounds), options.scale
        self.directory = tempfile.mkdtemp(prefix="source-postgres-bench-")
        self.results = []
        self.serial = 0
        self.connection = server.connect(DATABASE)
        self.execute(f"CREATE TABLE {WATERMARKS} (slot text PRIMARY KEY, watermark text)",
                     f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {WATERMARKS}")

    def close(self):
        self.connection.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wants(self, name):
        return not self.options.only or any(name.startswith(wanted) for wanted in self.options.only)

    def scaled(self, count, least=100):
        return max(least, int(count * self.scale))

    def say(self, text):
        print(f"==> {text}", file=sys.stderr, flush=True)

    # The database.

    def execute(self, *statements):
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def value(self, statement, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()[0]

    def publish(self, tables):
        self.execute(f"ALTER PUBLICATION {PUBLICATION} SET TABLE {', '.join([WATERMARKS, *tables])}")

    def new_slot(self, like=None, plugin="pgoutput"):
        """At the end of the WAL, or where the slot `like` is."""
        self.serial += 1
        name = f"bench_{self.serial}"
        if like:
            self.value("SELECT pg_copy_logical_replication_slot(%s, %s, false, %s)", (like, name, plugin))
        else:
            self.value("SELECT pg_create_logical_replication_slot(%s, %s)", (name, plugin))
        return name

    def drop_slot(self, name):
        """The server may need a moment to see that its reader is gone."""
        deadline = time.monotonic() + 30
        while self.value("SELECT coalesce(bool_or(active), false) FROM pg_replication_slots WHERE slot_name = %s", (name,)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"slot {name} is still read")
            time.sleep(0.02)
        self.value("SELECT pg_drop_replication_slot(%s)", (name,))

    # Programs.

    def host(self, transport):
        return "127.0.0.1" if transport == "tcp" else self.server.directory

    def tool(self, name, transport, *arguments):
        return [binary(name), "-h", self.host(transport), "-p", str(self.server.port), "-U", SUPERUSER,
                "-d", DATABASE, *arguments]

    def capture(self, program, transport, slot, tables, tail=False, airbyte=False, **advanced):
        """The command line of a capture of these tables: the connector's, or with `program` another's. `airbyte`: in the
        look that its own discovery proposes."""
        names = {"host": self.host(transport), "port": self.server.port, "user": SUPERUSER, "password": PASSWORD,
                 "database": DATABASE}
        config = {**names, "slot_name": slot, "publication_name": PUBLICATION, "watermarks_table": WATERMARKS,
                  "advanced": advanced}
        files = {"config": self.file("config.json", config)}
        schemas = self.discovered(files["config"]) if airbyte else {}
        catalog = {"tail": tail, "streams": [
            {"stream": {"namespace": "public", "name": table, "json_schema": schemas.get(table, {})}, "sync_mode": "incremental",
             "destination_sync_mode": "append"} for table in tables]}
        files["catalog"] = self.file("catalog.json", catalog)
        if not program:
            return [executable(), "read", "--config", files["config"], "--catalog", files["catalog"]]
        words = {**names, **files, "slot": slot, "publication": PUBLICATION}
        return [word.format(**words) for word in shlex.split(program)]

    def discovered(self, config):
        """Each table's schema."""
        done = subprocess.run([executable(), "discover", "--config", config], env=environment(), check=True, capture_output=True)
        messages = map(json.loads, done.stdout.splitlines())
        return {stream["name"]: stream["json_schema"] for message in messages if message["type"] == "CATALOG"
                for stream in message["catalog"]["streams"]}

    def file(self, name, content, encode=lambda content: json.dumps(content).encode() + b"\n"):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(encode(content))
        return path

    def measure(self, command):
        return measured.run(command, PASSWORD, RUN_LIMIT_S)

    def check_count(self, command, expected):
        """What is measured must be complete; this run also warms the cache."""
        found = []
        measured.run(command, PASSWORD, RUN_LIMIT_S, lambda descriptor: found.append(measured.count(descriptor)))
        if found != [expected]:
            raise RuntimeError(f"{shlex.join(command)}\nprinted {found} records, not {expected}")

    def in_turn(self, subject, units, readers):
        """Readers, {name: run(transport) -> (wall, CPU, peak)}, round after round; the first is the limit."""
        for transport in self.transports:
            self.say(f"{subject} over {transport}")
            figures = {name: measured.Figures(name, units) for name in readers}
            for _ in range(self.rounds):
                for name, run in readers.items():
                    figures[name].add(*run(transport))
            base = figures[next(iter(readers))]
            for each in figures.values():
                self.results.append({"subject": subject, "transport": transport, **each.summary(base)})

    def machine(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
        memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
        return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory_gib),
                "kernel": platform.release(), "postgresql": self.value("SHOW server_version"), "fsync": "off"}


def each_statement(bench, *statements):
    """Run in a session of its own that need not wait for the disk."""
    with closing(bench.server.connect(DATABASE)) as connection, connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in statements:
            cursor.execute(statement)
