"""A throwaway PostgreSQL server: its own directory, its own port on loopback, gone afterwards.

PostgreSQL refuses to run as root, so a root user starts it as `postgres` (or `nobody`). It dies with
the process that started it, and at the latest after `lifetime_s`.
"""

import ctypes
import functools
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2

SUPERUSER = "postgres"
PASSWORD = "s3cret-Passw0rd-of-the-tests"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)

DEFAULT_SETTINGS = {
    "wal_level": "logical",
    "fsync": "off",
    "max_wal_size": "1GB",
    "max_wal_senders": "30",
    "max_replication_slots": "100",
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "timezone": "America/St_Johns",  # an offset with minutes: no record may depend on it
    "datestyle": "SQL, DMY",
    "intervalstyle": "postgres_verbose",
}


class Server:
    """Use it in a `with` statement. Start it from the main thread: it ends with the thread that started it."""

    def __init__(self, lifetime_s=3600, **settings):
        self.user = unprivileged_user()
        self.lifetime_s = lifetime_s
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="source-postgres-", dir=roomy_memory() or "/tmp")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.settings = {**DEFAULT_SETTINGS, **settings}
        self.process = None
        if self.user:
            shutil.chown(self.directory, self.user.pw_name, self.user.pw_gid)
        os.chmod(self.directory, 0o755)

    def __enter__(self):
        try:
            self.initialise()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process:
            self.end(signal.SIGQUIT, 20)
        shutil.rmtree(self.directory, ignore_errors=True)

    def initialise(self):
        password_file = os.path.join(self.directory, "password")
        with open(password_file, "w", encoding="ascii") as file:
            file.write(PASSWORD)
        os.chmod(password_file, 0o644)
        self.run("initdb", "--pgdata", self.data, "--username", SUPERUSER, "--pwfile", password_file,
                 "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C",
                 "--no-sync")
        os.unlink(password_file)

    def start(self, timeout_s=60):
        options = []
        for name, value in {**self.settings, "port": self.port, "listen_addresses": "127.0.0.1",
                            "unix_socket_directories": self.directory}.items():
            options += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["timeout", "--signal=QUIT", str(self.lifetime_s), binary("postgres"), "-D", self.data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                preexec_fn=die_with_parent, **self.identity())
        self.wait_until_ready(timeout_s)

    def stop(self, timeout_s=60):
        """The orderly stop: sessions are ended, a checkpoint is written."""
        self.end(signal.SIGINT, timeout_s)

    def crash(self, timeout_s=30):
        """End at once, without a checkpoint: the next start recovers from the WAL."""
        self.end(signal.SIGQUIT, timeout_s)

    def restart(self):
        self.stop()
        self.start()

    def connect(self, database="postgres", **options):
        """A superuser's session over the socket, in autocommit mode; it calls itself `test`. Its statements have a time
        limit: the driver waits where no alarm of a test reaches it."""
        connection = psycopg2.connect(host=self.directory, port=self.port, user=SUPERUSER,
                                      dbname=database, connect_timeout=10, options="-c statement_timeout=120s",
                                      application_name="test", **options)
        connection.autocommit = True
        return connection

    def wait_until_ready(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.connect().close()
                return
            except psycopg2.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start: {error}\n{self.log_tail()}") from error
                time.sleep(0.05)

    def end(self, number, timeout_s):
        """`timeout` hands the signal on to the postmaster."""
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.kill(self.postmaster_pid(), signal.SIGQUIT)
            process.wait(timeout_s)

    def postmaster_pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def log_tail(self, lines=20):
        with open(self.log, errors="replace", encoding="utf-8") as file:
            return "".join(file.readlines()[-lines:])

    def run(self, program, *arguments):
        process = subprocess.Popen([binary(program), *arguments], cwd="/", stdout=subprocess.DEVNULL, **self.identity())
        try:
            code = process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        except BaseException:  # interrupted: initdb has children, and needs but a moment
            process.wait(20)
            raise
        if code:
            raise subprocess.CalledProcessError(code, program)

    def identity(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": [],
                "env": {**os.environ, "HOME": "/"}}


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def unprivileged_user():
    """The user to run the server as; None: ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither a user postgres nor nobody")


@functools.lru_cache(maxsize=None)
def roomy_memory():
    """A directory in memory, where databases are made and dropped several times faster; None: there is too little of it."""
    least = 12 << 30
    try:
        status = os.statvfs("/dev/shm")
        with open("/proc/meminfo", encoding="ascii") as file:
            available = int(re.search(r"MemAvailable: *(\d+) kB", file.read())[1]) << 10
    except OSError:
        return None
    return "/dev/shm" if min(status.f_bavail * status.f_frsize, available) >= least else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.lru_cache(maxsize=None)
def major():
    """The version of the server programs."""
    version = subprocess.run([binary("postgres"), "--version"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"\) (\d+)", version)[1])


def binary(name):
    """A server program: from PG_BINDIR, else of the newest version that Debian's packages installed."""
    directories = [os.environ["PG_BINDIR"]] if "PG_BINDIR" in os.environ else sorted(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]), reverse=True)
    for directory in directories:
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} was not found: install postgresql, or set PG_BINDIR")
    return found
