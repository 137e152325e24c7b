"""mq-bridge's route from Postgres CDC to a file of JSON lines, all of it in its Rust core. Stopped once COUNT lines came; 0: never.

capture.py HOST PORT USER DATABASE SSLMODE SLOT PUBLICATION backfill|replication|latency COUNT

The route itself ends a second after its last change. Therefore its file is a pipe, from which this script moves blocks to
standard output, and counts their lines.
"""

import fcntl
import os
import sys
import threading
import urllib.parse

from mq_bridge import Route

BLOCK = 1 << 20
F_SETPIPE_SZ = 1031


def configuration(host, port, user, database, sslmode, slot, publication, mode, path):
    password = urllib.parse.quote(os.environ.get("PGPASSWORD", ""), safe="")
    source = {"url": f"postgres://{user}:{password}@{host}:{port}/{database}", "publication": publication, "slot_name": slot,
              "create_slot": False, "consume": "snapshot" if mode == "backfill" else "capture_new",
              "tls": {"required": sslmode == "require", "accept_invalid_certs": True}}
    # Without the envelope a line does not say which table and operation it is of. A backfill's envelope does not say it, either.
    sink = {"path": path, "format": "raw" if mode == "backfill" else "envelope_json"}
    # Its manual advises 512 to 1024 for bulk moves into files: what was the faster of the two. More workers made neither faster.
    return {"input": {"postgres_cdc": source}, "output": {"file": sink}, "batch_size": 512 if mode == "backfill" else 1024,
            "concurrency": 1, "exit_on_empty": mode == "backfill"}


def wait(route, descriptor):
    try:
        route.join()
    except RuntimeError as error:
        print(error, file=sys.stderr)
    os.close(descriptor)


def move(source, expected):
    """Returns how many lines there were. All is moved that was written, should the route end before."""
    count = 0
    while not expected or count < expected:
        block = os.read(source, BLOCK)
        if not block:
            break
        count += block.count(b"\n")
        while block:
            block = block[os.write(sys.stdout.fileno(), block):]
    return count


def main():
    *words, count = sys.argv[1:]
    source, sink = os.pipe()
    fcntl.fcntl(sink, F_SETPIPE_SZ, BLOCK)
    route = Route.from_config(configuration(*words, f"/proc/self/fd/{sink}"))
    route.start()
    threading.Thread(target=wait, args=(route, sink), daemon=True).start()
    moved = move(source, int(count))
    if moved != int(count):
        print(f"{moved} lines came, not {count}", file=sys.stderr)
    os._exit(moved != int(count))  # all is written; to end in order takes the route a second


if __name__ == "__main__":
    main()
