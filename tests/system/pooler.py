"""PgBouncer before a server, in a pool mode that a test chooses."""

import os
import shutil
import subprocess
import tempfile
import time

from server import PASSWORD, SUPERUSER, die_with_parent, free_port, unprivileged_user


def program():
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Pooler:
    def __init__(self, server, mode, **settings):
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="source-postgres-pooler-", dir="/tmp")
        self.user = unprivileged_user()
        users, config, self.log = (os.path.join(self.directory, name) for name in ("users", "config", "log"))
        with open(users, "w", encoding="ascii") as file:
            file.write(f'"{SUPERUSER}" "{PASSWORD}"\n')
        lines = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "plain",
                 "auth_file": users, "pool_mode": mode, "logfile": self.log, **settings}
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n")
            file.writelines(f"{name} = {value}\n" for name, value in lines.items())
        identity = {}
        if self.user:
            for path in (self.directory, users, config):
                shutil.chown(path, self.user.pw_name, self.user.pw_gid)
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        self.process = subprocess.Popen(["timeout", "600", program(), "-q", config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                                        preexec_fn=die_with_parent, **identity)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while not (os.path.exists(self.log) and "listening on" in open(self.log, encoding="utf-8").read()):
            assert self.process.poll() is None and time.monotonic() < deadline, "PgBouncer did not start"
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)
