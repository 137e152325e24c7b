"""A throwaway SSH server on loopback (OpenSSH's), for the user that runs the tests and a key of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from server import die_with_parent, free_port

LIMIT_S = 20


def available():
    return shutil.which("sshd", path="/usr/sbin:/usr/bin") and shutil.which("ssh-keygen")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        found = [int(child) for child in file.read().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


class Sshd:
    """Use it in a `with` statement."""

    def __init__(self, **settings):
        self.directory = tempfile.mkdtemp(prefix="source-postgres-sshd-")
        self.port = free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.settings = settings
        self.process = None

    def __enter__(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # where it goes before it knows who logs in
        self.new_host_key()
        self.key = self.new_key("key")
        shutil.copy(self.path("key.pub"), self.path("authorized_keys"))
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def new_key(self, name, *options, kind="ed25519"):
        """The text of a new private key."""
        for old in (name, f"{name}.pub"):
            if os.path.exists(self.path(old)):
                os.remove(self.path(old))
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", self.path(name), *options], check=True)
        with open(self.path(name), encoding="ascii") as file:
            return file.read()

    def new_host_key(self, kind="ed25519"):
        self.new_key("host", kind=kind)

    def fingerprint(self):
        return subprocess.run(["ssh-keygen", "-lf", self.path("host.pub")], check=True, capture_output=True, text=True).stdout.split()[1]

    def start(self):
        settings = {"ListenAddress": f"127.0.0.1:{self.port}", "HostKey": self.path("host"), "AuthorizedKeysFile": self.path("authorized_keys"),
                    "StrictModes": "no", "UsePAM": "no", "PidFile": "none", "PermitRootLogin": "yes", "LogLevel": "DEBUG1",
                    "MaxSessions": "1", **self.settings}
        with open(self.path("config"), "w", encoding="ascii") as file:
            file.writelines(f"{name} {value}\n" for name, value in settings.items())
        log = open(self.path("log"), "ab")  # noqa: SIM115
        self.process = subprocess.Popen([shutil.which("sshd", path="/usr/sbin:/usr/bin"), "-D", "-e", "-f", self.path("config")],
                                        stdin=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent)
        log.close()
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise RuntimeError(f"sshd does not listen:\n{self.log()}")

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill_sessions(self):
        """End the sessions without notice to either end; new ones are served."""
        for pid in children(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        if self.process:
            self.kill_sessions()
            self.process.kill()
            self.process.wait()
            self.process = None
