"""Captures through an SSH tunnel."""

import re
import time

import pytest

import sshd
from connector import run
from flow import Process, assert_refused

pytestmark = pytest.mark.skipif(not sshd.available(), reason="needs OpenSSH's server")

TABLE = ["CREATE TABLE items (id int PRIMARY KEY, n int, name text)",
         "INSERT INTO items SELECT i, 0, repeat(md5(i::text), 20) FROM generate_series(1, 10000) i"]


@pytest.fixture(name="bastion")
def throwaway_sshd():
    with sshd.Sshd() as running:
        yield running


def flows(bastion, key=None, **changes):
    """The options of a tunnel, as Flow's captures have them."""
    forwarding = {"sshEndpoint": f"ssh://{bastion.user}@127.0.0.1:{bastion.port}", "privateKey": key or bastion.key}
    return {"networkTunnel": {"sshForwarding": {**forwarding, **changes}}}


def airbytes(bastion, key=None, **changes):
    return {"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "localhost", "tunnel_port": bastion.port,
                              "tunnel_user": bastion.user, "ssh_key": key or bastion.key, **changes}}


def check(capture, **options):
    one = capture([], **options)
    return run("check", "--config", one.path("config.json", one.config)).succeed().messages[-1]["connectionStatus"]


def assert_secret(process, key):
    assert not [line for line in key.splitlines()[1:-1] if line in process.stderr]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa", "rsa -m PEM"])
def test_airbyte_reads_through_it_with_any_key(database, capture, kind):
    database.execute(*TABLE)
    with sshd.Sshd() as bastion:
        kind, *options = kind.split()
        bastion.key = bastion.new_key("key", *options, kind=kind)
        bastion.path("key.pub")
        with open(bastion.path("key.pub"), encoding="ascii") as public, open(bastion.path("authorized_keys"), "w", encoding="ascii") as keys:
            keys.write(public.read())
        one = capture(["items"], **airbytes(bastion))
        assert check(capture, **airbytes(bastion))["status"] == "SUCCEEDED"
        process = one.run()
        database.execute("UPDATE items SET n = 1 WHERE id % 3 = 0", "DELETE FROM items WHERE id % 7 = 0")
        one.run()
        one.assert_equal(items=["id"])
        assert f"localhost:{bastion.port}, whose host key is {bastion.fingerprint()}" in process.stderr
        assert "direct-tcpip" in bastion.log()
        assert_secret(process, bastion.key)


def test_flow_asks_for_everything_through_it(database, flow, bastion):
    database.execute(*TABLE)
    one = flow(["items"], **flows(bastion))
    process = Process()
    (binding,) = process.ask({"discover": {"connectorType": "IMAGE", "config": one.config}})["bindings"]
    assert binding["recommendedName"] == "public/items"
    process.ask({"validate": {"name": "a/b", "connectorType": "IMAGE", "config": one.config, "bindings": one.bindings}})
    process.send(one.request())
    process.wait_for_docs(10000)
    process.stop()
    assert bastion.log().count("Accepted publickey") == 3
    one.run()
    one.assert_equal(items=["id"])


def test_a_session_that_dies_is_replaced(database, flow, bastion):
    database.execute(*TABLE)
    one = flow(["items"], **flows(bastion))
    process = one.start().wait_for_docs(1)
    bastion.kill_sessions()
    process.wait_for_quiet(10000)
    for number in (1, 2):
        bastion.kill_sessions()
        database.execute(f"UPDATE items SET n = {number} WHERE id <= 2000")
        process.wait_for_quiet(10000 + 2000 * number)
    process.stop()
    one.commit(process)
    one.run()
    one.assert_equal(items=["id"])
    assert "is lost" in process.stderr and times_said(process.stderr, "logged in to the SSH server") >= 4


def times_said(log, words):
    """The same line comes once a minute, and then how many times it was left out."""
    lines = [line for line in log.splitlines() if words in line]
    more = [re.search(r"\((\d+) more time", line) for line in lines]
    return sum(int(one[1]) if one else 1 for one in more)


def test_keys_that_are_exchanged_again_and_a_server_that_asks_whether_we_live(database, flow):
    """Both in both directions: much is read, and one statement is long."""
    database.execute(*TABLE, "CREATE TABLE large (id int PRIMARY KEY, name text)",
                     "INSERT INTO large SELECT i, repeat(md5(i::text), 1000) FROM generate_series(1, 1000) i")
    with sshd.Sshd(RekeyLimit="1M", ClientAliveInterval="1", ClientAliveCountMax="1") as bastion:
        one = flow(["items", "large"], **flows(bastion))
        process = one.start().wait_for_quiet(11000)
        time.sleep(3.5)
        database.execute("UPDATE large SET name = name || 'x'")
        process.wait_for_quiet(12000)
        process.stop()
        assert "is lost" not in process.stderr and bastion.log().count("SSH2_MSG_KEXINIT received") > 10
    one.commit(process)
    one.materialised({"items": ["id"], "large": ["id"]}).assert_equal(database)


def test_it_waits_for_a_server_that_is_away(database, flow, bastion):
    database.execute(*TABLE)
    one = flow(["items"], **flows(bastion))
    process = one.start().wait_for_quiet(10000)
    bastion.stop()
    database.execute("UPDATE items SET n = 1 WHERE id = 1")
    process.wait_for(lambda run: "cannot connect to the SSH server" in run.stderr)
    bastion.start()
    process.wait_for_quiet(10001)
    process.stop()


def test_another_host_key_is_not_accepted_while_it_runs(database, flow, bastion):
    database.execute(*TABLE)
    one = flow(["items"], **flows(bastion))
    process = one.start().wait_for_quiet(10000)
    first = bastion.fingerprint()
    bastion.stop()
    bastion.new_host_key()
    bastion.start()
    process.wait_for(lambda run: "shows another host key than before" in run.stderr)
    assert first in process.stderr and bastion.fingerprint() in process.stderr
    process.stop()
    one.run()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_host_key_that_is_named_is_the_only_one(capture, bastion, kind):
    bastion.stop()
    bastion.new_host_key(kind)
    bastion.start()
    assert check(capture, advanced={"tunnel_host_key": bastion.fingerprint()}, **airbytes(bastion))["status"] == "SUCCEEDED"
    accepted = bastion.log().count("Accepted publickey")
    other = "SHA256:" + "A" * 43
    status = check(capture, advanced={"tunnel_host_key": other}, **airbytes(bastion))
    assert status["status"] == "FAILED" and f"shows the host key {bastion.fingerprint()}, and advanced.tunnel_host_key is {other}" in status["message"]
    assert bastion.log().count("Accepted publickey") == accepted == 1


def test_the_servers_certificate_is_still_checked_by_its_own_name(database, capture, bastion):
    status = check(capture, host="localhost", advanced={"sslmode": "require"}, **airbytes(bastion))
    assert status["status"] == "FAILED" and f"no TLS connection to localhost:{database.server.port}" in status["message"], status


def test_a_key_that_is_refused_is_reported(capture, bastion):
    status = check(capture, **airbytes(bastion, key=bastion.new_key("other")))
    assert status["status"] == "FAILED"
    assert f'does not let user "{bastion.user}" in with this key' in status["message"] and "authorized_keys" in status["message"]


@pytest.mark.parametrize("passphrase", [False, True])
def test_a_key_that_cannot_be_read_is_said(capture, bastion, passphrase):
    key = bastion.new_key("locked", "-N", "secret") if passphrase else "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    status = check(capture, **airbytes(bastion, key=key))
    assert status["status"] == "FAILED" and "the private key of the SSH tunnel cannot be read" in status["message"], status


def test_a_database_that_is_not_reached_is_said(bastion):
    process = Process()
    process.send({"discover": {"connectorType": "IMAGE", "config": {
        "address": "127.0.0.1:1", "user": "u", "password": "p", **flows(bastion)}}})
    assert_refused(process, f"the SSH server 127.0.0.1:{bastion.port} cannot connect to 127.0.0.1:1", "address")


def test_a_server_that_is_not_there_is_said(capture, bastion):
    status = check(capture, **airbytes(bastion, tunnel_port=1))
    assert status["status"] == "FAILED" and "cannot connect to the SSH server localhost:1" in status["message"], status
    status = check(capture, **airbytes(bastion, tunnel_host="no-such-host.invalid"))
    assert "host name of the SSH server" in status["message"] or "cannot be looked up" in status["message"], status
