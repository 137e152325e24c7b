"""Captures over TLS: which certificates are accepted, and lost connections, renewals and machines in the middle."""

import os
import shutil
import socket
import threading
import time

import pytest

from authority import Authority
from database import Database
from proxy import Proxy
from refusal import assert_refused
from server import Server

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="the program openssl makes the certificates")
ANY_CONNECTION = ("config_error", "transient_error")
SSL_REQUEST = 80877103


@pytest.fixture(scope="module", name="authority")
def authority_of_the_tests(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", name="secure_server")
def server_with_tls(authority):
    with Server() as server:
        authority.certify(server)
        server.settings.update({"ssl": "on", "log_connections": "on"})
        server.restart()
        yield server


@pytest.fixture(name="secure")
def database_with_tls(secure_server):
    database = Database(secure_server)
    yield database
    database.drop()


def sessions(database):
    """Whether each of the capture's sessions is encrypted."""
    return database.query("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                          " WHERE datname = current_database() AND pid <> pg_backend_pid()")


def test_rows_and_changes_come_over_tls(secure, capture, authority):
    secure.execute("CREATE TABLE items (id int PRIMARY KEY, name text)",
                   "INSERT INTO items SELECT n, repeat('x', CASE WHEN n % 100 = 0 THEN 200000 ELSE n % 300 END)"
                   " FROM generate_series(1, 3000) n")
    one = capture(["items"], of=secure, advanced={"sslmode": "verify-full", "sslrootcert": authority.root})
    one.run()
    secure.execute("INSERT INTO items SELECT n, 'added' FROM generate_series(3001, 20000) n",
                   "UPDATE items SET name = repeat('y', 300000) WHERE id IN (1, 2, 8999)",
                   "DELETE FROM items WHERE id % 7 = 0")
    one.run()
    one.assert_equal(items=["id"])


def test_a_query_is_cancelled_over_tls(secure, capture, authority):
    """A chunk whose rows become wide is cut, and its query cancelled."""
    secure.execute("CREATE TABLE items (id int PRIMARY KEY, name text)",
                   "INSERT INTO items SELECT n, repeat('x', CASE WHEN n > 1000 THEN 20000 ELSE 1 END) FROM generate_series(1, 2000) n")
    begun = os.path.getsize(secure.server.log)
    one = capture(["items"], of=secure, advanced={"sslrootcert": authority.root, "memory_limit_mb": 16})
    one.run()
    one.assert_equal(items=["id"])
    with open(secure.server.log, encoding="utf-8", errors="replace") as log:
        log.seek(begun)
        let_in = [line for line in log if "connection authorized" in line and f"database={secure.name} " in line and "application_name=source" in line]
    assert any("source-postgres cancel" in line for line in let_in), let_in
    assert all("SSL enabled" in line for line in let_in), let_in


def test_connections_that_are_cut_and_a_renewed_certificate(secure, capture, authority):
    """Cut connections at any moment; later ones see the other certificate."""
    secure.execute("CREATE TABLE items (id int PRIMARY KEY, name text)",
                   "INSERT INTO items SELECT n, repeat('x', n % 3000) FROM generate_series(1, 20000) n")
    with Proxy(secure.server.port) as proxy:
        one = capture(["items"], of=secure, tail=True, port=proxy.port, advanced={"sslrootcert": authority.root, "backfill_chunk_size": 500})
        process = one.start().wait_for_records(1000)
        assert {True} == {ssl for ssl, in sessions(secure)}
        proxy.lead_to(secure.server.port)
        process.wait_for_records(3000)
        authority.certify(secure.server)
        secure.execute("SELECT pg_reload_conf()")
        proxy.lead_to(secure.server.port)
        process.wait_for_active()
        secure.execute("UPDATE items SET name = repeat('y', 100000) WHERE id % 100 = 0")
        proxy.lead_to(secure.server.port)
        secure.execute("DELETE FROM items WHERE id % 100 = 1")
        one.keep(process.wait_for_records(20400).wait_for_state(after=20400).stop())
    one.assert_equal(items=["id"])


def test_a_connection_that_is_cut_before_it_is_encrypted(secure, capture, authority):
    """By a restarting server, or a load balancer: a running capture tries again."""
    secure.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    with Proxy(secure.server.port) as proxy, Stranger(b"S") as stranger:
        one = capture(["items"], of=secure, tail=True, port=proxy.port, advanced={"sslrootcert": authority.root})
        process = one.start().wait_for_active()
        proxy.lead_to(stranger.port)
        while stranger.asked < 3:
            assert process.process.poll() is None, process.story()
            time.sleep(0.05)
        proxy.lead_to(secure.server.port)
        secure.execute("INSERT INTO items VALUES (2)")
        one.keep(process.wait_for_records(2).wait_for_state(after=2).stop())
    one.assert_equal(items=["id"])


class Stranger:
    """Answers a request for TLS with `answer`, and keeps what it receives then."""

    def __init__(self, answer):
        self.answer, self.heard, self.asked = answer, b"", 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client:
                client.settimeout(1)
                try:
                    self.asked += int.from_bytes(client.recv(8)[4:], "big") == SSL_REQUEST
                    client.sendall(self.answer)
                    self.heard += client.recv(1 << 16)
                except OSError:
                    pass


ANSWERS = {"no": b"N", "nothing": b"", "error": b"E\0\0\0\x0eSFATAL\0Mno\0\0", "yes and more": b"S" + b"R\0\0\0\x08\0\0\0\0"}


@pytest.mark.parametrize("answer", list(ANSWERS))
@pytest.mark.parametrize("advanced", [{}, {"sslmode": "verify-full"}, {"sslmode": "verify-ca"}])
def test_one_in_between_learns_nothing(database, capture, authority, answer, advanced):
    """No start-up packet, which has the user's name, and no password, where a root certificate is given."""
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    with Stranger(ANSWERS[answer]) as stranger:
        one = capture(["items"], port=stranger.port, advanced={"sslrootcert": authority.root, **advanced})
        assert_refused(one.start().finish(), ANY_CONNECTION, str(stranger.port))
        assert stranger.asked and b"user\0" not in stranger.heard and b"database\0" not in stranger.heard


def test_a_root_certificate_and_a_server_without_tls(database, capture, authority):
    database.execute("CREATE TABLE items (id int PRIMARY KEY)")
    assert_refused(capture(["items"], advanced={"sslrootcert": authority.root}).start().finish(), "config_error", "does not support SSL")


def test_the_root_of_another(secure, capture, tmp_path):
    secure.execute("CREATE TABLE items (id int PRIMARY KEY)")
    other = Authority(tmp_path)
    for advanced in ({}, {"sslmode": "verify-ca"}, {"sslmode": "require"}):  # libpq checks with `require`, too, if a root is given
        assert_refused(capture(["items"], of=secure, advanced={"sslrootcert": other.root, **advanced}).start().finish(),
                       ANY_CONNECTION, "certificate verify failed")


def test_a_certificate_of_another_name(secure, capture, authority):
    secure.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    one = capture(["items"], of=secure, advanced={"sslrootcert": authority.root})
    authority.certify(secure.server, "DNS:elsewhere.invalid")
    secure.execute("SELECT pg_reload_conf()")
    try:
        assert_refused(one.start().finish(), ANY_CONNECTION, "certificate", "127.0.0.1")
        one.config["advanced"]["sslmode"] = "verify-ca"  # the name does not count
        one.run()
        one.assert_equal(items=["id"])
    finally:
        authority.certify(secure.server)
        secure.execute("SELECT pg_reload_conf()")
