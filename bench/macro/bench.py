"""What the measurements share: the database, the slots, the files for the connector, the results."""

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
import tables
from connector import environment, executable
from place import PUBLICATION, TABLES_ALONE, WATERMARKS
from server import binary


class Bench:
    def __init__(self, place, options):
        self.place, self.options = place, options
        self.transports = list(place.routes)
        self.rounds, self.scale = max(1, options.rounds), options.scale
        self.directory = tempfile.mkdtemp(prefix="source-postgres-bench-")
        self.results = []
        self.words = {"mode": "", "count": 0}  # for programs: what is measured, and how many records there are
        self.serial = 0
        self.connection = place.connect()
        self.machine = self.describe_machine()

    def close(self):
        if not self.connection.closed:
            self.connection.cancel()  # a signal may have come while it waited
        self.connection.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wants(self, name):
        return not self.options.only or any(name.startswith(wanted) for wanted in self.options.only)

    def of_workloads(self, subjects):
        return {name: make for name, make in subjects.items() if name.partition(".")[2] in self.options.workload}

    def wants_reader(self, name):
        return not self.options.reader or any(name.startswith(wanted) for wanted in self.options.reader)

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

    def publish(self, names):
        self.execute(f"ALTER PUBLICATION {PUBLICATION} SET TABLE {', '.join([WATERMARKS, *names])}",
                     f"ALTER PUBLICATION {TABLES_ALONE} SET TABLE {', '.join(names)}")

    def new_slot(self, like=None, plugin="pgoutput"):
        """At the end of the WAL, or where the slot `like` is."""
        self.serial += 1
        name = f"{self.place.slots}_{self.serial}"
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

    def with_slot(self, act, like=None, plugin="pgoutput"):
        """run(transport), which gives act(transport, slot) a slot of its own."""
        def once(transport):
            slot = self.new_slot(like, plugin)
            try:
                return act(transport, slot)
            finally:
                self.drop_slot(slot)
        return once

    # Programs.

    def tool(self, name, transport, *arguments):
        return [binary(name), "-d", self.place.dsn(transport), *arguments]

    def programs(self):
        """[(name, command)] of those that do what is measured now."""
        return [(name, command) for name, command, modes in self.options.program if self.words["mode"] in modes]

    def capture(self, program, transport, slot, names, tail=False, airbyte=False, **advanced):
        """The command line of a capture of these tables: the connector's, or with `program` another's. `airbyte`: in the
        look that its own discovery proposes."""
        config = self.place.config(transport, slot, **advanced)
        files = {"config": self.file("config.json", config)}
        schemas = self.discovered(files["config"]) if airbyte else {}
        catalog = {"tail": tail, "streams": [
            {"stream": {"namespace": namespace, "name": table, "json_schema": schemas.get((namespace, table), {})},
             "sync_mode": "incremental", "destination_sync_mode": "append"} for namespace, table in map(tables.split, names)]}
        files["catalog"] = self.file("catalog.json", catalog)
        if not program:
            return [executable(), "read", "--config", files["config"], "--catalog", files["catalog"]]
        words = {name: config.get(name, "") for name in ("host", "port", "user", "password", "database")}
        words.update(files, **self.words, slot=slot, wal2json_slot=slot, publication=self.place.tables_alone(),
                     sslmode=self.place.routes[transport].get("sslmode", "prefer"),
                     tables=",".join(".".join(tables.split(name)) for name in names))
        return [word.format(**words) for word in shlex.split(program)]

    def discovered(self, config):
        """Each table's schema."""
        done = subprocess.run([executable(), "discover", "--config", config], env={**environment(), **self.place.variables},
                              check=True, capture_output=True)
        messages = map(json.loads, done.stdout.splitlines())
        return {(stream["namespace"], stream["name"]): stream["json_schema"] for message in messages if message["type"] == "CATALOG"
                for stream in message["catalog"]["streams"]}

    def file(self, name, content, encode=lambda content: json.dumps(content).encode() + b"\n"):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(encode(content))
        return path

    def measure(self, command):
        return measured.run(command, self.place.variables, self.options.run_limit)

    def count(self, command, mark=measured.RECORD):
        """How often `mark` stands in what a program prints; this run also warms the cache."""
        found = []
        measured.run(command, self.place.variables, self.options.run_limit,
                     lambda descriptor: found.append(measured.count(descriptor, mark)))
        return found[0]

    def check_count(self, command, expected):
        """What is measured must be complete."""
        found = self.count(command)
        if found != expected:
            raise RuntimeError(f"{shlex.join(command)}\nprinted {found} records, not {expected}")

    def in_turn(self, subject, units, readers, unit="rows"):
        """Readers, {name: run(transport) -> what Figures.add takes}, round after round; the first is the limit."""
        limit, *others = readers
        readers = {name: readers[name] for name in (limit, *(name for name in others if self.wants_reader(name)))}
        for transport in self.transports:
            self.say(f"{subject} over {transport}")
            figures = {name: measured.Figures(name, units) for name in readers}
            relay = self.place.relays.get(transport)
            for _ in range(self.rounds):
                for name, run in readers.items():
                    before_s = relay.cpu_s() if relay else 0
                    took = run(transport)
                    figures[name].add(*took, relay_cpu_s=relay.cpu_s() - before_s if relay else None)
            base = figures[next(iter(readers))]
            for each in figures.values():
                self.results.append({"subject": subject, "transport": transport, "unit": unit, **each.summary(base)})

    def describe_machine(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
        memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
        return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory_gib),
                "kernel": platform.release(), "postgresql": self.value("SHOW server_version"),
                "fsync": self.value("SHOW fsync")}


def plugin_of(program):
    """That of the slot which a program's command names."""
    return "wal2json" if program and "{wal2json_slot}" in program else "pgoutput"


def each_statement(bench, *statements):
    """Run in a session of its own that need not wait for the disk. Returns what the last one did, if it returned something."""
    with closing(bench.place.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(f"SET statement_timeout = '{bench.options.run_limit}s'")
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None
