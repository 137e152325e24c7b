"""Captures over TLS: rows and changes, small and larger than a record of TLS or a gulp of ours."""

import os
import shutil
import subprocess

import pytest

from database import Database
from server import Server

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="the program openssl makes the certificate")


@pytest.fixture(scope="module", name="secure")
def secure_server():
    with Server() as server:
        key, certificate = (os.path.join(server.data, name) for name in ("server.key", "server.crt"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        for path in (key, certificate):
            os.chmod(path, 0o600)
            if server.user:
                shutil.chown(path, server.user.pw_name, server.user.pw_gid)
        server.settings["ssl"] = "on"
        server.restart()
        with open(certificate, encoding="ascii") as file:
            yield server, file.read()


def test_rows_and_changes_come_over_tls(secure, capture):
    server, certificate = secure
    database = Database(server)
    database.execute(
        "CREATE TABLE items (id int PRIMARY KEY, name text)",
        "INSERT INTO items SELECT n, repeat('x', CASE WHEN n % 100 = 0 THEN 200000 ELSE n % 300 END)"
        " FROM generate_series(1, 3000) n")
    one = capture(["items"], of=database, advanced={"sslmode": "verify-full", "sslrootcert": certificate})
    one.run()
    database.execute("INSERT INTO items SELECT n, 'added' FROM generate_series(3001, 20000) n",
                     "UPDATE items SET name = repeat('y', 300000) WHERE id IN (1, 2, 8999)",
                     "DELETE FROM items WHERE id % 7 = 0")
    one.run()
    one.assert_equal(items=["id"])
    database.drop()
