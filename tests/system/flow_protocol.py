"""The shape of every message of Flow's capture protocol, and merge patches: written from the specification, sharing no
code with the connector."""

import json
import re

LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
SNAPSHOT = re.compile(r"\d+:\d+:[\d,]*$")
POINTER = re.compile(r"(/([^/~]|~[01])*)+$")


def exactly(value, required, optional=()):
    """`value` is an object with these members and no others; returns it."""
    assert isinstance(value, dict), value
    assert set(required) <= set(value) <= set(required) | set(optional), sorted(value)
    return value


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_texts(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def check_form(schema):
    """Every option has what a form shows of it."""
    for option in schema["properties"].values():
        assert option["title"] and option["description"] and is_int(option["order"]), option
        if "properties" in option:
            check_form(option)
        for choice in option.get("oneOf", []):
            check_form(choice)


def check_spec(body):
    exactly(body, ["protocol", "configSchema", "resourceConfigSchema", "documentationUrl", "resourcePathPointers"])
    assert body["protocol"] == 3032023 and is_int(body["protocol"])
    assert body["configSchema"]["type"] == body["resourceConfigSchema"]["type"] == "object"
    check_form(body["configSchema"])
    check_form(body["resourceConfigSchema"])
    assert body["documentationUrl"].startswith("https://")
    assert body["resourcePathPointers"] == ["/namespace", "/stream"]


def check_discovered(body):
    names = set()
    for binding in exactly(body, ["bindings"])["bindings"]:
        exactly(binding, ["recommendedName", "resourceConfig", "documentSchema", "key"], ["isFallbackKey"])
        assert binding.get("isFallbackKey", True) is True
        assert re.fullmatch(r"[\w.\-]+/[\w.\-]+", binding["recommendedName"]), binding["recommendedName"]
        exactly(binding["resourceConfig"], ["namespace", "stream"], ["mode"])
        assert binding["key"] and all(POINTER.match(pointer) for pointer in binding["key"])
        check_document_schema(binding["documentSchema"])
        names.add((binding["resourceConfig"]["namespace"], binding["resourceConfig"]["stream"]))
    assert len(names) == len(body["bindings"])


def check_document_schema(schema):
    exactly(schema, ["$defs", "allOf"], ["x-infer-schema"])
    assert schema.get("x-infer-schema", True) is True
    (anchor, row), = schema["$defs"].items()
    assert re.fullmatch(r"[A-Za-z_][-A-Za-z0-9._]*", anchor)
    exactly(row, ["$anchor", "type", "properties", "required"], ["description"])
    assert row["$anchor"] == anchor and set(row["required"]) <= set(row["properties"])
    for column in row["properties"].values():
        assert re.search(r"\(source type: .+\)$", column["description"]) and "enum" not in column
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
    """Every object that declares members must forbid others: an open one ends the session."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            assert schema["additionalProperties"] is False, schema
        for child in schema.values():
            check_closed(child)


def check_captured(body):
    exactly(body, ["binding", "doc"])
    assert is_int(body["binding"])
    meta = exactly(body["doc"]["_meta"], ["op", "source"], ["before"])
    assert meta["op"] in ("c", "u", "d") and isinstance(meta.get("before", {}), dict)
    source = exactly(meta["source"], ["schema", "table", "loc"], ["ts_ms", "snapshot", "txid", "tag"])
    assert all(isinstance(source[name], str) for name in ("schema", "table", "tag") if name in source)
    assert len(source["loc"]) == 3 and all(is_int(number) for number in source["loc"])
    if "snapshot" in source:
        assert source["snapshot"] is True and meta["op"] == "c" and not {"ts_ms", "txid"} & set(source)
    else:
        assert is_int(source["ts_ms"]) and is_int(source["txid"])


def check_checkpoint(body):
    state = exactly(exactly(body, ["state"])["state"], ["updated", "mergePatch"])
    assert state["mergePatch"] is True
    updated = exactly(state["updated"], [], CHECKPOINT_MEMBERS)
    assert not updated or LSN.match(updated["cursor"])
    for name, value in updated.items():
        assert CHECKPOINT_MEMBERS[name](value), (name, value)
    for stream in updated.get("streams", {}).values():
        for name, value in exactly(stream, STREAM_MEMBERS).items() if stream is not None else ():
            assert value is None and name != "mode" or STREAM_MEMBERS[name](value), (name, value)


CHECKPOINT_MEMBERS = {
    "cursor": LSN.match, "system_identifier": re.compile(r"\d+$").match, "timeline": is_int,
    "slot": re.compile(r"[a-z0-9_]+$").match, "database": lambda name: isinstance(name, str),
    "bindingStateV1": lambda theirs: theirs is None, "unseen": lambda ids: ids is None or ids and all(map(is_int, ids)), "streams": lambda streams: isinstance(streams, dict)}
STREAM_MEMBERS = {
    "mode": lambda mode: mode in ("Backfill", "Active", "Ignore"), "oid": is_int, "published_by": is_int, "key_columns": is_texts, "cursor": LSN.match,
    "backfilled": is_int, "snapshot": SNAPSHOT.match, "as_of": LSN.match, "as_of_carry": str.isdecimal,
    "storage": re.compile(r"[0-9a-f]{32}$").match,
    "ranges": lambda ranges: ranges and all(map(is_range, ranges)),
    "terms": lambda terms: all(isinstance(term, str) for term in terms.values()),
    "types": lambda types: types and all(is_int(item["oid"]) and item["kind"] in "abcdemr" for item in types)}


def is_range(value):
    return all(map(is_texts, exactly(value, [], ["scanned", "until"]).values()))


def check_backfill(body):
    assert is_int(exactly(body, ["binding"])["binding"])


CHECKS = {"backfillBegin": check_backfill, "backfillComplete": check_backfill, "spec": check_spec, "discovered": check_discovered, "validated": check_validated, "applied": check_applied,
          "opened": check_opened, "sourcedSchema": check_sourced_schema, "captured": check_captured,
          "checkpoint": check_checkpoint}


def check_response(message):
    """Exactly one kind of response, and of its shape."""
    (kind, body), = message.items()
    CHECKS[kind](body)


AFTER_OPEN = ("sourcedSchema", "captured", "checkpoint", "backfillBegin", "backfillComplete")


class Session:
    """One process: what may come when, and that a checkpoint holds nothing but what changed. The first one with a
    cursor may hold nothing new, and the whole identity where a part of it changed."""

    def __init__(self):
        self.bindings = None  # the open request's; None before it
        self.opened = False
        self.described = {}
        self.last = ""
        self.state = {}
        self.cursor = None

    def requested(self, request):
        if isinstance(request, dict) and "open" in request and self.bindings is None:
            capture = request["open"]["capture"]
            linked = capture.get("linkedCollections")
            self.bindings = [{**one, "collection": linked[one.get("collectionIndex", 0)]} if linked else one
                             for one in capture.get("bindings", [])]
            self.state = request["open"].get("state", {})

    def check(self, message):
        check_response(message)
        (kind, body), = message.items()
        if kind == "opened":
            assert self.bindings is not None and not self.opened, "opened without an open request"
            self.opened = True
        else:
            assert (kind in AFTER_OPEN) == self.opened, f"{kind} at the wrong time"
        alone = kind.startswith("backfill")
        assert not alone or self.last == "checkpoint", f"{kind} is not alone in its checkpoint"
        assert not self.last.startswith("backfill") or kind == "checkpoint", f"{self.last} is not alone in its checkpoint"
        self.last = kind
        if kind == "sourcedSchema":
            assert self.bindings[body["binding"]] and body["binding"] >= 0
            assert self.described.get(body["binding"]) != body["documentSchema"], "a schema that was told before"
            self.described[body["binding"]] = body["documentSchema"]
        elif kind == "captured":
            assert body["binding"] in self.described, "a document before its schema"
            self.check_document(body["binding"], body["doc"])
        elif kind == "checkpoint":
            self.check_patch(body["state"]["updated"])

    def check_document(self, number_of_binding, doc):
        binding, source = self.bindings[number_of_binding], doc["_meta"]["source"]
        assert set(doc) <= set(self.described[number_of_binding]["properties"]), "a column that its schema does not know"
        assert [source["schema"], source["table"]] == binding["resourcePath"], source
        for pointer in binding["collection"]["key"]:
            value = doc
            for part in pointer.split("/")[1:]:
                value = value[int(part) if isinstance(value, list) else part.replace("~1", "/").replace("~0", "~")]

    def check_patch(self, updated):
        if not updated:
            return
        first, before, self.cursor = self.cursor is None, self.cursor, number(updated["cursor"])
        merged = merge_patch(self.state, updated)
        old, self.state = self.state, merged
        changed = {name for name in updated if updated[name] != old.get(name)}
        if first:
            assert changed or set(updated) <= {"cursor", "unseen"}, (updated, old)
            assert ("bindingStateV1" in updated) == ("bindingStateV1" in old), (updated, old)
        else:
            assert self.cursor >= before, "the cursor went back"
            fixed = {"system_identifier", "slot", "database"} if "timeline" in changed else set()
            assert changed | fixed >= set(updated) - {"cursor", "unseen"}, (updated, old)  # a list is always sent whole
            assert merged != old or "unseen" in updated, "nothing changed"
        for name in updated.get("streams", {}):
            assert merged["streams"].get(name) != old.get("streams", {}).get(name), f"the stream {name} did not change"


def number(lsn):
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def check_log(stderr):
    """One JSON object a line."""
    for line in stderr.splitlines():
        entry = exactly(json.loads(line), ["level", "msg", "ts", "thread"], ["eventType", "kind", "schema", "table", "detail"])
        assert entry.get("eventType", "connectorStatus") == "connectorStatus" and entry["thread"]
        assert entry["level"] == "error" or "kind" not in entry, entry
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
