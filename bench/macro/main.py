"""Measures the connector beside the limits: what PostgreSQL's own tools take for the same bytes, in turn."""

import argparse
import os
import signal
import sys

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tests", "system")]

import backfill  # noqa: E402
import latency  # noqa: E402
import open_transaction  # noqa: E402
import own  # noqa: E402
import peers  # noqa: E402
import replication  # noqa: E402
import report  # noqa: E402
import workloads  # noqa: E402
from bench import Bench  # noqa: E402
from own_place import Own  # noqa: E402
from place import Throwaway  # noqa: E402
from server import Server  # noqa: E402

SCALES = {"tiny": 0.002, "small": 0.1, "default": 1.0, "large": 4.0}
LIFETIME_S = 4 * 3600
MODES = ("backfill", "replication", "latency")
RUN_LIMIT_S, OWN_RUN_LIMIT_S = 900, 24 * 3600
SETTINGS = {
    "timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "postgres", "shared_buffers": "1GB",
    "max_wal_size": "64GB", "checkpoint_timeout": "1h", "autovacuum": "off", "wal_buffers": "64MB",
    "max_locks_per_transaction": "256",  # thousands of tables are dropped at once
    "logical_decoding_work_mem": "64MB", "wal_init_zero": "off",  # else a commit waits for 16 MB of zeros now and then
}
PROGRAM_HELP = """
A program is measured beside the connector wherever it can be. In its command these are replaced:
{config} {catalog} files as the connector gets them; {host} {port} {user} {password} {database} {sslmode} {publication}
{tables}; {mode}: backfill, replication or latency; {count}: how many records there are; {slot}, a slot of pgoutput, or
{wal2json_slot}, a slot of wal2json, which the server must have. Each run gets a slot of its own, which is dropped after it.
It must end by itself once it has read what was there when it started (for latency, which is the mode of an open transaction,
too, it is stopped with SIGTERM).

With --database no server is started, and nothing is written to the database's tables. The password is taken from PGPASSWORD or
~/.pgpass. The user needs REPLICATION and SELECT, and either owns the tables and may CREATE in the database, or a publication is
named. While a run reads, the server keeps WAL for its slot. All is removed at the end, also after a signal; should this be
killed with -9, the next run with the same database removes what was left.
"""


def scale(text):
    value = SCALES.get(text) or float(text)
    if not 0 < value <= 100:
        raise ValueError(text)
    return value


def delay(text):
    value = float(text)
    if not 0 <= value <= 1000:
        raise ValueError(text)
    return value


def program(text):
    name, _, command = text.partition("=")
    if not command:
        raise ValueError(text)
    return name, command, MODES


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, epilog=PROGRAM_HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=scale, default=1.0,
                        help=f"how much data: {', '.join(SCALES)}, or a factor (default: 6 million narrow rows)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; medians are shown (default: 3)")
    parser.add_argument("--only", action="append", metavar="NAME", default=[],
                        help="subjects whose names begin so, such as backfill.narrow, replication.A, latency, open_transaction; repeatable")
    parser.add_argument("--workload", choices=workloads.NAMES, action="append",
                        help="instead of the tables of our own, what others publish figures of; repeatable. "
                             + "; ".join(f"{name}: {what}" for name, what in workloads.NAMES.items()))
    parser.add_argument("--transport", choices=("tcp", "socket", "tls"), action="append",
                        help="repeatable (default: tcp and socket); tls is TCP, encrypted")
    parser.add_argument("--tls", action="store_true", help="tls beside tcp and socket")
    parser.add_argument("--delay", type=delay, action="append", metavar="MS", default=[],
                        help="tcp and tls also through a relay that makes a round trip so much longer, such as 1, 5 or 20 ms; repeatable")
    parser.add_argument("--program", type=program, action="append", metavar="NAME=COMMAND", default=[],
                        help="another program to measure; repeatable")
    parser.add_argument("--peer", choices=peers.names(), action="append", default=[],
                        help="another program of the kind to measure, over tcp and tls; it is fetched from its registry and built first")
    parser.add_argument("--output", metavar="DIRECTORY",
                        help="for results.html, results.md, results.json and the charts (default: bench/results; with --database: none)")
    parser.add_argument("--reader", action="append", metavar="NAME", default=[],
                        help="beside the limit only readers whose names begin so; repeatable")
    parser.add_argument("--database", metavar="URL", help="measure a database of your own: postgresql://USER@HOST:PORT/DATABASE")
    parser.add_argument("--table", action="append", metavar="SCHEMA.TABLE", default=[], help="of that database; repeatable")
    parser.add_argument("--publication", metavar="NAME", help="of that database, with these tables (default: one is made and dropped)")
    parser.add_argument("--replication", type=float, metavar="SECONDS",
                        help="also gather the changes of that database's tables for so long, and measure the reading of them")
    options = parser.parse_args()
    check(parser, options)
    return options


def of_throwaway(options):
    return options.only, options.workload, options.transport, options.tls, options.delay


def check(parser, options):
    if bool(options.database) != bool(options.table):
        parser.error("--database and --table go together")
    if options.database and (any(of_throwaway(options))):
        parser.error("--only, --workload, --transport, --tls and --delay are of the throwaway server")
    if options.database and any("{password}" in command for _, command, _ in options.program):
        parser.error("--program: with --database no password is put in a command line; PGPASSWORD has it, and {config} then, too")
    if options.peer and (options.database or "socket" in (options.transport or ())):
        parser.error("--peer is measured on the throwaway server, over tcp and tls")
    if options.peer and not options.transport:
        options.transport = ["tcp"] + ["tls"] * options.tls
    options.run_limit = OWN_RUN_LIMIT_S if options.database else RUN_LIMIT_S
    if not options.output and not options.database:
        options.output = os.path.join(HERE, "..", "results")
    if options.output:
        os.makedirs(options.output, exist_ok=True)


def measure(place, options, subjects):
    bench = Bench(place, options)
    try:
        for each in subjects:
            each.run(bench)
    finally:
        if bench.results:
            report.write(options.output, bench)  # what there is, should one have failed
        bench.close()


def main():
    options = arguments()
    if options.database:
        with Own(options.database, options.publication) as place:
            measure(place, options, [own])
        return
    options.program += map(peers.program, options.peer)
    with Server(lifetime_s=LIFETIME_S, **SETTINGS) as server:
        with Throwaway(server, options) as place:
            measure(place, options, [backfill, replication, latency, open_transaction])


def interrupted(number, _):
    sys.exit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupted)
    try:
        main()
    except (RuntimeError, psycopg2.Error) as error:
        sys.exit(f"bench/run: {error}")
