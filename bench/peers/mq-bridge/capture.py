"""mq-bridge, which writes each row and change as a line of JSON to standard output. It ends once COUNT of them came; 0: never.

capture.py HOST PORT USER DATABASE SSLMODE SLOT PUBLICATION backfill|replication|latency COUNT
"""

import os
import sys
from urllib.parse import quote

from mq_bridge import Consumer, is_shutdown_requested

CONSUME = {"backfill": "snapshot", "replication": "capture_new", "latency": "capture_new"}
MOST = 8192  # messages at a time


def url(host, port, user, database, sslmode):
    return f"postgres://{quote(user)}:{quote(os.environ.get('PGPASSWORD', ''))}@{host}:{port}/{quote(database)}?sslmode={sslmode}"


def main(host, port, user, database, sslmode, slot, publication, mode, count):
    expected, written = int(count), 0
    tls = {"required": sslmode == "require", "accept_invalid_certs": True}
    consumer = Consumer.from_config({"postgres_cdc": {
        "url": url(host, port, user, database, sslmode), "publication": publication, "slot_name": slot, "create_slot": False,
        "consume": CONSUME[mode], "tls": tls}})
    output = sys.stdout.buffer
    while written < expected or not (expected or is_shutdown_requested()):
        messages = consumer.poll(MOST, timeout_ms=100)
        for message in messages:
            output.write(bytes(message.payload))
            output.write(b"\n")
        output.flush()
        consumer.commit()
        written += len(messages)
        if not messages and consumer.exhausted:
            raise SystemExit(f"it ended after {written} of {expected}")
    os._exit(0)  # all is written


main(*sys.argv[1:])
