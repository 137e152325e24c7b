#!/usr/bin/env python3
"""A faulty connector: the executable in SOURCE_POSTGRES, except for FAULT, an operation and what is done to one of its
records in each run: `u drop`, `d double`, `c change`."""

import ctypes
import json
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
OPERATION, DEED = os.environ["FAULT"].split()


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def document_of(message):
    return message.get("record", {}).get("data") or message.get("captured", {}).get("doc") or {}


def done_to(line):
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        return None  # of the protobuf form
    document = document_of(message)
    if document.get("_meta", {}).get("op") != OPERATION or "id" not in document:
        return None
    document["name"] = "changed"
    return {"drop": b"", "double": line + line, "change": json.dumps(message).encode() + b"\n"}[DEED]


def write_all(data):
    """By itself, as a signal may come in the middle."""
    while data:
        data = data[os.write(1, data):]


def main():
    process = subprocess.Popen([os.environ["SOURCE_POSTGRES"], *sys.argv[1:]], stdout=subprocess.PIPE,
                               preexec_fn=die_with_parent)
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    done = False
    for line in process.stdout:
        changed = None if done else done_to(line)
        done = done or changed is not None
        write_all(line if changed is None else changed)
    sys.exit(process.wait())


if __name__ == "__main__":
    main()
