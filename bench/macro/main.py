"""Measures the connector beside the limits: what PostgreSQL's own tools take for the same bytes, in turn."""

import argparse
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tests", "system")]

import backfill  # noqa: E402
import latency  # noqa: E402
import replication  # noqa: E402
import report  # noqa: E402
from bench import Bench  # noqa: E402
from server import Server  # noqa: E402

SCALES = {"tiny": 0.002, "small": 0.1, "default": 1.0, "large": 4.0}
LIFETIME_S = 4 * 3600
SETTINGS = {
    "timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "postgres", "shared_buffers": "1GB",
    "max_wal_size": "64GB", "checkpoint_timeout": "1h", "autovacuum": "off", "wal_buffers": "64MB",
    "logical_decoding_work_mem": "64MB", "wal_init_zero": "off",  # else a commit waits for 16 MB of zeros now and then
}
PROGRAM_HELP = """
A program is measured beside the connector wherever it can be. In its command these are replaced:
{config} {catalog} files as the connector gets them; {host} {port} {user} {password} {database} {slot}
{publication}; it must end by itself once it has read what was there when it started (for latency it is
stopped with SIGTERM). Each run gets a slot of its own.
"""


def scale(text):
    value = SCALES.get(text) or float(text)
    if not 0 < value <= 100:
        raise ValueError(text)
    return value


def program(text):
    name, _, command = text.partition("=")
    if not command:
        raise ValueError(text)
    return name, command


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, epilog=PROGRAM_HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=scale, default=1.0,
                        help=f"how much data: {', '.join(SCALES)}, or a factor (default: 6 million narrow rows)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; medians are shown (default: 3)")
    parser.add_argument("--only", action="append", metavar="NAME", default=[],
                        help="subjects whose names begin so, such as backfill.narrow, replication.A, latency; repeatable")
    parser.add_argument("--transport", choices=("tcp", "socket"), action="append", help="default: both")
    parser.add_argument("--program", type=program, action="append", metavar="NAME=COMMAND", default=[],
                        help="another program to measure; repeatable")
    parser.add_argument("--output", metavar="DIRECTORY", default=os.path.join(HERE, "..", "results"),
                        help="for results.json, results.md and chart.svg (default: bench/results)")
    return parser.parse_args()


def main():
    options = arguments()
    os.makedirs(options.output, exist_ok=True)
    with Server(lifetime_s=LIFETIME_S, **SETTINGS) as server:
        bench = Bench(server, options)
        try:
            for subjects in (backfill, replication, latency):
                subjects.run(bench)
        finally:
            report.write(options.output, bench)  # what there is, should one have failed
            bench.close()
    with open(os.path.join(options.output, "results.md"), encoding="utf-8") as file:
        print(file.read(), end="")


def interrupted(number, _):
    sys.exit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupted)
    main()
