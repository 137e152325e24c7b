"""Passwords made of what the platform injected: a cloud's role in place of a password."""

import hashlib
import hmac
import re
import socket
import struct
import threading
import time
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from flow import Process, assert_refused, ended

TOKEN = "other-s3cret"  # the password of the restricted user


class Server(threading.Thread):
    """Refuses every password that it is sent, and remembers them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.passwords = []
        self.start()

    def run(self):
        while True:
            with self.listener.accept()[0] as client:
                self.greet(client)

    def greet(self, client):
        _, version = struct.unpack(">II", client.recv(8, socket.MSG_WAITALL))
        if version == 80877103:  # SSLRequest
            client.sendall(b"N")
            return
        client.recv(10000)
        client.sendall(b"R" + struct.pack(">II", 8, 3))
        length, = struct.unpack(">xI", client.recv(5, socket.MSG_WAITALL))
        self.passwords.append(client.recv(length - 4, socket.MSG_WAITALL)[:-1].decode())
        words = b"SFATAL\0VFATAL\0C28P01\0MPAM authentication failed\0\0"
        client.sendall(b"E" + struct.pack(">I", 4 + len(words)) + words)


def signature(token, secret):
    """The signature, computed by the specification of Signature Version 4 alone."""
    host, query = token.split("/?")
    query, said = query.rsplit("&X-Amz-Signature=", 1)
    fields = dict(parse_qsl(query))
    assert urlencode(sorted(fields.items()), quote_via=quote, safe="-_.~") == query
    _, *scope = fields["X-Amz-Credential"].split("/")
    empty = hashlib.sha256(b"").hexdigest()
    request = hashlib.sha256(f"GET\n/\n{query}\nhost:{host}\n\nhost\n{empty}".encode()).hexdigest()
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return said, hmac.new(key, "\n".join(("AWS4-HMAC-SHA256", fields["X-Amz-Date"], "/".join(scope), request)).encode(), "sha256").hexdigest()


def aws(**changes):
    return {"auth_type": "AWSIAM", "aws_region": "eu-west-1", "aws_role_arn": "arn:aws:iam::1:role/flow", "aws_access_key_id": "AKID",
            "aws_secret_access_key": "top/s3cret", "aws_session_token": "a+b/c==", **changes}


def discover(port, credentials, **advanced):
    return {"discover": {"connectorType": "IMAGE", "config": {
        "address": f"127.0.0.1:{port}", "user": "flow@capture", "credentials": credentials, "advanced": advanced}}}


def test_amazons_token_is_signed_for_each_connection():
    server = Server()
    for count in (1, 2):
        process = Process()
        process.send(discover(server.port, aws(), sslmode="disable"))
        assert_refused(process, "AWSIAM", "start the capture again")
        assert len(server.passwords) == count and "top/s3cret" not in process.stderr and "X-Amz" not in process.stderr
        time.sleep(1.1)  # the time is in it
    first, second = server.passwords
    assert first != second
    for token in server.passwords:
        assert token.startswith(f"127.0.0.1:{server.port}/?Action=connect&DBUser=flow%40capture&")
        said, right = signature(token, "top/s3cret")
        assert said == right


def test_a_token_is_sent_over_tls_alone_unless_said_otherwise():
    server = Server()
    process = Process()
    process.send(discover(server.port, aws()))
    assert_refused(process, "TLS", "advanced.sslmode")
    assert server.passwords == []


@pytest.mark.parametrize("kind", ["GCPIAM gcp_access_token", "AzureIAM azure_access_token"])
def test_the_token_is_the_password_and_may_expire(database, flow, user, kind):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    who = user("SUPERUSER")["user"]
    name, member = kind.split()
    one = flow(["items"], user=who, password=None, credentials={"auth_type": name, member: TOKEN}, advanced={"sslmode": "disable"})
    process = one.start().wait_for_quiet(1)
    database.execute(f"ALTER USER {who} PASSWORD 'later'",
                     f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{who}'")
    assert_refused(process, name, "has expired", "start the capture again")
    assert TOKEN not in process.stderr


def test_what_was_not_injected_is_named():
    process = Process()
    process.send(discover(1, aws(aws_secret_access_key=None)))
    assert_refused(process, "credentials.aws_secret_access_key is missing", "AWSIAM")


def test_the_platform_is_told_that_it_may_inject():
    process = Process()
    schema = process.ask({"spec": {}})["configSchema"]["properties"]["credentials"]
    assert schema["x-iam-auth"] is True and not [name for name in schema["properties"] if re.search("access|session", name)]
    assert ended(process) == 0
