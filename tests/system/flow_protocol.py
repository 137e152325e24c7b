"""The shape of every message of Flow's capture protocol, and merge patches: a reading of the specification that
shares nothing with the connector."""

import json
import re

LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
POINTER = re.compile(r"(/([^/~]|~[01])*)+$")


def exactly(value, required, optional=()):
    """`value` is an object with these members and no others; returns it."""
    assert isinstance(value, dict), value
    assert set(required) <= set(value) <= set(required) | set(optional), sorted(value)
    return value


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_spec(body):
    exactly(body, ["protocol", "configSchema", "resourceConfigSchema", "documentationUrl", "resourcePathPointers"])
    assert body["protocol"] == 3032023 and is_int(body["protocol"])
    assert body["configSchema"]["type"] == body["resourceConfigSchema"]["type"] == "object"
    assert body["documentationUrl"].startswith("https://")
    assert body["resourcePathPointers"] == ["/namespace", "/stream"]


def check_discovered(body):
    names = set()
    for binding in exactly(body, ["bindings"])["bindings"]:
        exactly(binding, ["recommendedName", "resourceConfig", "documentSchema", "key"])
        assert re.fullmatch(r"[\w.\-]+/[\w.\-]+", binding["recommendedName"]), binding["recommendedName"]
        exactly(binding["resourceConfig"], ["namespace", "stream"], ["mode"])
        assert binding["key"] and all(POINTER.match(pointer) for pointer in binding["key"])
        check_document_schema(binding["documentSchema"])
        names.add((binding["resourceConfig"]["namespace"], binding["resourceConfig"]["stream"]))
    assert len(names) == len(body["bindings"])


def check_document_schema(schema):
    exactly(schema, ["$defs", "allOf", "x-infer-schema"])
    (anchor, row), = schema["$defs"].items()
    assert re.fullmatch(r"[A-Za-z_][-A-Za-z0-9._]*", anchor)
    exactly(row, ["$anchor", "type", "properties", "required"], ["description"])
    assert row["$anchor"] == anchor and set(row["required"]) <= set(row["properties"])
    document, reference = schema["allOf"]
    assert reference == {"$ref": f"#{anchor}"}
    exactly(document, ["properties", "required", "if", "then", "else"])
    assert document["then"] == {"reduce": {"strategy": "merge", "delete": True}}
    assert document["else"] == {"reduce": {"strategy": "merge"}}
    meta = exactly(document["properties"], ["_meta"])["_meta"]
    assert meta["required"] == ["op", "source"] and meta["reduce"] == {"strategy": "merge"}
    assert meta["properties"]["before"]["$ref"] == f"#{anchor}"


def check_validated(body):
    for binding in exactly(body, ["bindings"])["bindings"]:
        path = exactly(binding, ["resourcePath"])["resourcePath"]
        assert len(path) == 2 and all(isinstance(part, str) for part in path)


def check_applied(body):
    exactly(body, [])


def check_opened(body):
    assert exactly(body, ["explicitAcknowledgements"])["explicitAcknowledgements"] is True


def check_sourced_schema(body):
    exactly(body, ["binding", "documentSchema"])
    assert is_int(body["binding"])
    schema = body["documentSchema"]
    assert "_meta" in schema["required"] and set(schema["required"]) <= set(schema["properties"])
    check_closed(schema)


def check_closed(schema):
    """Every object that declares members says that there are no others: an open one ends the session."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            assert schema["additionalProperties"] is False, schema
        for child in schema.values():
            check_closed(child)


def check_captured(body):
    exactly(body, ["binding", "doc"])
    assert is_int(body["binding"])
    meta = exactly(body["doc"]["_meta"], ["op", "source"], ["before"])
    assert meta["op"] in ("c", "u", "d")
    exactly(meta["source"], ["schema", "table", "loc"], ["ts_ms", "snapshot", "txid", "tag"])


def check_checkpoint(body):
    state = exactly(exactly(body, ["state"])["state"], ["updated", "mergePatch"])
    assert state["mergePatch"] is True
    updated = exactly(state["updated"], [], ["cursor", "system_identifier", "timeline", "slot", "database", "unseen",
                                             "streams"])
    assert not updated or LSN.match(updated["cursor"])
    assert not updated.get("unseen") == []
    for stream in updated.get("streams", {}).values():
        if stream is not None:
            exactly(stream, ["mode", "key_columns", "cursor", "backfilled", "snapshot", "ranges"])


CHECKS = {"spec": check_spec, "discovered": check_discovered, "validated": check_validated, "applied": check_applied,
          "opened": check_opened, "sourcedSchema": check_sourced_schema, "captured": check_captured,
          "checkpoint": check_checkpoint}


def check_response(message):
    """Exactly one kind of response, and of its shape."""
    (kind, body), = message.items()
    CHECKS[kind](body)


def check_log(stderr):
    """One JSON object a line."""
    for line in stderr.splitlines():
        entry = exactly(json.loads(line), ["level", "msg", "ts"])
        assert entry["level"] in ("error", "warn", "info", "debug") and entry["msg"].strip()
        assert TIME.match(entry["ts"]), entry["ts"]


def merge_patch(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
