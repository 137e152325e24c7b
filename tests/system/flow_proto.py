"""Flow's protobuf form, by classes that are generated from the connector's own .proto: requests are written, and each
response is judged and becomes the message that it is in JSON."""

import json
import os
import re
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import FieldDescriptor

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "flow")
CONNECTOR_TYPES = {"IMAGE": 7, "LOCAL": 8}
ALWAYS = ("binding", "mergePatch")  # said in JSON even where they have the default


def generate():
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["protoc-c", f"--descriptor_set_out={file.name}", f"--proto_path={SOURCE}", "capture.proto"], check=True)
        return message_factory.GetMessages(descriptor_pb2.FileDescriptorSet.FromString(file.read()).file)


CLASSES = generate()


def json_name(field):
    """What a field is called in JSON."""
    name = re.sub("_json$", "", field.name)
    if field.full_name.endswith("SourcedSchema.schema_json"):
        name = "document_schema"
    return re.sub("_(.)", lambda match: match[1].upper(), name)


def fill(message, document):
    fields = {json_name(field): field for field in message.DESCRIPTOR.fields}
    for name, value in document.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            target = getattr(message, field.name)
            if field.label == FieldDescriptor.LABEL_REPEATED:
                for one in value:
                    fill(target.add(), one)
            else:
                target.SetInParent()
                fill(target, value)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            setattr(message, field.name, json.dumps(value).encode())
        elif field.label == FieldDescriptor.LABEL_REPEATED:
            getattr(message, field.name).extend(value)
        else:
            setattr(message, field.name, CONNECTOR_TYPES.get(value, value))


def encode(request):
    """A frame."""
    message = CLASSES["capture.Request"]()
    fill(message, request)
    data = message.SerializeToString()
    return struct.pack("<I", len(data)) + data


def frames(data):
    """The whole messages that it begins with, and the rest."""
    whole, at = [], 0
    while len(data) - at >= 4:
        (length,) = struct.unpack_from("<I", data, at)
        if len(data) - at - 4 < length:
            break
        whole.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return whole, data[at:]


def document(message):
    assert not message.UnknownFields(), message.DESCRIPTOR.full_name
    result = {}
    for field in message.DESCRIPTOR.fields:
        value, name = getattr(message, field.name), json_name(field)
        if field.label == FieldDescriptor.LABEL_REPEATED:
            if value or name in ("bindings", "resourcePath"):
                result[name] = [document(one) if field.type == FieldDescriptor.TYPE_MESSAGE else one for one in value]
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            if message.HasField(field.name):
                result[name] = document(value)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            assert value and b"\n" not in value, (field.full_name, value[:200])
            result[name] = json.loads(value)
        elif value or name in ALWAYS:
            result[name] = value
    if message.DESCRIPTOR.full_name == "capture.Response.Discovered.Binding":
        assert not result.pop("resourcePath") and "disable" not in result
    return result


def decode(data):
    """The response that a frame holds, which must be exactly one; numbers may be longer than they need be."""
    message = CLASSES["capture.Response"].FromString(data)
    result = document(message)
    assert len(result) == 1, result
    again = CLASSES["capture.Response"].FromString(message.SerializeToString())
    assert again == message and len(message.SerializeToString()) <= len(data)
    return result
