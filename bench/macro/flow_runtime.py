"""The connector as Flow runs it, by both codecs: every checkpoint is acknowledged by a reader that takes each response
apart, whose CPU counts beside the connector's."""

import os
import subprocess
import tempfile
import time

import flow_proto
import measured
import tables
from connector import environment, executable
from server import die_with_parent

HERE = os.path.dirname(os.path.abspath(__file__))
CODECS = ("json", "proto")


def build_reader(directory):
    """The reader's path."""
    source = os.path.join(HERE, "..", "..", "src", "flow")
    reader = os.path.join(directory, "flow_reader")
    if not os.path.exists(reader):
        subprocess.run(["protoc-c", f"--proto_path={source}", f"--c_out={directory}", "capture.proto"], check=True)
        subprocess.run(["cc", "-O2", f"-I{directory}", "-o", reader, os.path.join(HERE, "flow_reader.c"),
                        os.path.join(directory, "capture.pb-c.c"), "-lprotobuf-c"], check=True)
    return reader


def write_request(bench, codec, transport, slot, names, **advanced):
    config = bench.place.config(transport, slot, **advanced)
    bindings = [{"resourceConfig": {"namespace": namespace, "stream": table}, "resourcePath": [namespace, table],
                 "stateKey": f"{namespace}%2F{table}", "collection": {"name": f"bench/{table}", "key": tables.pointers(bench, name)}}
                for name in names for namespace, table in [tables.split(name)]]
    request = {"open": {"capture": {"name": "bench/capture", "connectorType": "IMAGE", "config": config, "bindings": bindings},
                        "version": "1", "range": {"keyEnd": 0xFFFFFFFF, "rClockEnd": 0xFFFFFFFF}, "state": {}}}
    return bench.file("request", request, *([flow_proto.encode] if codec == "proto" else []))


def run(bench, codec, transport, slot, names, expected, **advanced):
    """(wall, CPU, peak, the reader's CPU). `expected`: how many documents there are, or None where that is not known."""
    request = write_request(bench, codec, transport, slot, names, **advanced)
    program = build_reader(bench.directory)
    requests, responses = os.pipe(), os.pipe()
    variables = {**environment(), **bench.place.variables, "FLOW_RUNTIME_CODEC": codec, "SHUTDOWN_AFTER_POLLING": "yes"}
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        reader = subprocess.Popen([program, codec, request], stdin=responses[0], stdout=requests[1], stderr=said,
                                  preexec_fn=die_with_parent)
        connector = subprocess.Popen([executable()], stdin=requests[0], stdout=responses[1], stderr=log, env=variables,
                                     preexec_fn=die_with_parent)
        for descriptor in requests + responses:
            os.close(descriptor)
        cpu_s, peak_mib = measured.wait(connector, begun + bench.options.run_limit, log)
        reader_cpu_s, _ = measured.wait(reader, begun + bench.options.run_limit, said)
        wall_s = time.monotonic() - begun
        said.seek(0)
        if expected not in (None, int(said.read())):
            raise RuntimeError(f"{codec}: not {expected} documents")
    return wall_s, cpu_s, peak_mib, reader_cpu_s


def readers(bench, with_slot, names, expected, **advanced):
    """{name: run(transport)}; with_slot(act) -> once(transport) gives act(transport, slot) a slot."""
    def once(codec):
        return with_slot(lambda transport, slot: run(bench, codec, transport, slot, names, expected, **advanced))
    return {f"source-postgres, Flow by {codec}": once(codec) for codec in CODECS}
