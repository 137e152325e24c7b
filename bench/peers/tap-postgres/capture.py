"""The Singer tap of MeltanoLabs, which writes Singer's messages to standard output. Stopped once COUNT records came; 0: never.

capture.py HOST PORT USER DATABASE SSLMODE SLOT backfill|replication|latency COUNT TABLES

The slot is one of wal2json.
"""

import os
import sys

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from tap_postgres.tap import TapPostgres

FOR_EVER_S = 24 * 3600


class Complete(BaseException):
    """All records came. The tap itself would end after some seconds without a change."""


class Counting(MsgSpecWriter):
    count, expected, ends = 0, 0, False

    def write_message(self, message):
        super().write_message(message)
        if isinstance(message, RecordMessage):
            self.count += 1
            if self.ends and self.count == self.expected:
                raise Complete


class Capture(TapPostgres):
    message_writer_class = Counting


def configuration(host, port, user, database, sslmode, slot, mode, schemas):
    return {"host": host, "port": int(port), "user": user, "password": os.environ.get("PGPASSWORD", ""), "database": database,
            "ssl_enable": sslmode != "disable", "ssl_mode": sslmode, "filter_schemas": schemas,
            "default_replication_method": "FULL_TABLE" if mode == "backfill" else "LOG_BASED", "replication_slot_name": slot,
            "log_based_single_connection": True,  # else the WAL is read once for each table
            "replication_max_run_seconds": FOR_EVER_S, "replication_idle_exit_seconds": FOR_EVER_S}


def catalog(found, wanted, method):
    """What was found of the wanted tables, selected with all their columns."""
    entries = [entry for entry in found["streams"] if entry["tap_stream_id"] in wanted]
    for entry in entries:
        entry["replication_method"] = method
        for each in entry["metadata"]:
            each["metadata"]["selected"] = True
    return {"streams": entries}


def main():
    *words, mode, count, tables = sys.argv[1:]
    tables = [tuple(name.split(".")) for name in tables.split(",")]
    config = configuration(*words, mode, sorted({schema for schema, _ in tables}))
    found = catalog(Capture(config=config).catalog_dict, {"-".join(table) for table in tables}, config["default_replication_method"])
    tap = Capture(config=config, catalog=found)
    writer = tap.message_writer
    writer.expected, writer.ends = int(count), mode == "replication"
    try:
        tap.sync_all()
    except Complete:
        pass
    if writer.count != writer.expected:
        sys.exit(f"{writer.count} records came, not {writer.expected}")


if __name__ == "__main__":
    main()
