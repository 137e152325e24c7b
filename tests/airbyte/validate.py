"""Holds messages against the protocol's own models, which Airbyte publishes as `airbyte-protocol-models-pdv2`.

Usage: validate.py FILE

FILE has a message a line. The models allow members that they do not know; here those are faults, except in states,
which are the source's own. The last line of standard output is a JSON object: how many messages of each type there
were. Faults go to standard error, and the exit code is 1.
"""

import collections
import json
import sys

from airbyte_protocol.models import AirbyteMessage, AirbyteStateBlob
from pydantic import BaseModel, ValidationError

SHOWN = 5

# The member of a message, or of a trace, that its type announces.
BODIES = {"CONNECTION_STATUS": "connectionStatus"}


def main(path):
    counts, faults = collections.Counter(), []
    with open(path, "rb") as lines:
        for line in lines:
            try:
                message = AirbyteMessage.model_validate_json(line, strict=True)
            except ValidationError as error:
                faults.append(f"{error}\n  {line[:1000]!r}")
                continue
            counts[kind(message)] += 1
            faults += [f"{fault}\n  {line[:1000]!r}" for fault in (*unknown(message), *bodies(message))]
    print(*faults[:SHOWN], sep="\n", file=sys.stderr)
    print(json.dumps(counts, sort_keys=True))
    return 1 if faults else 0


def kind(message):
    inner = message.trace or message.state
    return f"{message.type.value} {inner.type.value}" if inner and inner.type else message.type.value


def unknown(model, path="message"):
    """Members that the model does not know, here and below."""
    if isinstance(model, AirbyteStateBlob):
        return
    for name in model.model_extra or ():
        yield f"{path}.{name} is unknown"
    for name in model.model_fields_set & set(type(model).model_fields):
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                yield from unknown(one, f"{path}.{name}")


def bodies(message):
    """A type announces one body, and that is there, alone."""
    expected = {BODIES.get(message.type.value, message.type.value.lower())}
    if message.model_fields_set - {"type"} != expected:
        yield f"a message {message.type.value} with {sorted(message.model_fields_set)}"
    if message.trace and message.trace.model_fields_set - {"type", "emitted_at"} != {message.trace.type.value.lower()}:
        yield f"a trace {message.trace.type.value} with {sorted(message.trace.model_fields_set)}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
