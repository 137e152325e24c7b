"""The Debian package as a user builds it, on a Debian that has nothing else: installed, started by systemd, removed."""

import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest

from image import children_of
from test_packages import ROOT, find_package, succeed

ETC = "etc/source-postgres"
OUTPUT = "var/lib/source-postgres/shop"
NEEDED = ("debootstrap", "systemd-nspawn", "nsenter", "dpkg-shlibdeps", "file")


def why_not():
    if os.geteuid() != 0:
        return "this needs root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    return f"these are missing: {missing}" if missing else None


pytestmark = [pytest.mark.on_request, pytest.mark.limit(1800), pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture(name="root")
def system_without_the_package(tmp_path):
    """Of the release of this machine, from the mirror that debootstrap uses."""
    release = succeed("sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME").strip()
    root = str(tmp_path / "root")
    succeed("debootstrap", "--variant=minbase", "--include=systemd,dbus,man-db", release, root)
    yield root
    shutil.rmtree(root)


def build_package(directory, version):
    """For the second one only the linker runs."""
    succeed("cmake", "--preset", "package", "-B", str(directory), f"-DVERSION={version}", cwd=ROOT)
    succeed("cmake", "--build", str(directory), "--target", "package")
    return find_package(directory, version)


class Booted:
    """systemd in a container that shares the network of this machine."""

    def __init__(self, root):
        self.root = root
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", root, "--boot"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: children_of(self.process.pid))
        self.first = children_of(self.process.pid)[0]
        wait_for(lambda: self.ask("systemctl", "is-system-running") in ("running", "degraded"))

    def command(self, *command):
        return ["nsenter", "--target", str(self.first), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command]

    def run(self, *command):
        return succeed(*self.command(*command))

    def ask(self, *command):
        return subprocess.run(self.command(*command), capture_output=True, text=True, check=False).stdout.strip()

    def install(self, package):
        shutil.copy(package, os.path.join(self.root, "root"))
        self.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/root/{os.path.basename(package)}")

    def close(self):
        subprocess.run(self.command("systemctl", "poweroff"), capture_output=True, check=False)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()


def wait_for(condition, limit_s=120):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def records(root):
    directory = os.path.join(root, OUTPUT, "public.t")
    lines = []
    for name in sorted(os.listdir(directory) if os.path.exists(directory) else []):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            lines += [line for line in file if line.endswith("\n")]
    return [json.loads(line) for line in lines]


def the_program_answers(booted, version):
    assert booted.run("source-postgres", "--version") == f"source-postgres {version}\n"
    specification = json.loads(booted.run("source-postgres", "spec"))["spec"]
    assert booted.run("cat", specification["documentationUrl"].removeprefix("file://")).startswith("# Airbyte")
    assert "source-postgres read" in booted.run("source-postgres", "--help")
    assert booted.run("man", "source-postgres").startswith("SOURCE-POSTGRES(1)")


def configure(root, database):
    config = database.config()
    with open(os.path.join(root, ETC, "shop.password"), "w", encoding="utf-8", opener=private) as file:
        file.write(config.pop("password") + "\n")
    with open(os.path.join(root, ETC, "shop.json"), "w", encoding="utf-8", opener=private) as file:
        json.dump({**config, "password_file": "password"}, file)


def private(path, flags):
    return os.open(path, flags, 0o600)


def show(booted, name):
    return booted.ask("systemctl", "show", "--value", "--property", name, "source-postgres@shop")


def it_captures(booted, database):
    """Wait for the next start, whatever ended the process."""
    booted.run("systemctl", "enable", "--now", "source-postgres@shop")
    wait_for(lambda: len(records(booted.root)) == 100)
    booted.run("systemctl", "reload", "source-postgres@shop")
    booted.run("systemctl", "kill", "--signal", "KILL", "source-postgres@shop")
    database.execute("UPDATE t SET n = 1")
    wait_for(lambda: len(records(booted.root)) == 200)
    assert show(booted, "NRestarts") == "1"


def it_survives_an_upgrade(booted, database, package):
    before = show(booted, "MainPID")
    booted.install(package)
    assert show(booted, "ActiveState") == "active" and show(booted, "MainPID") != before
    database.execute("UPDATE t SET n = 2")
    wait_for(lambda: len(records(booted.root)) == 300)
    started = time.monotonic()
    booted.run("systemctl", "stop", "source-postgres@shop")
    assert time.monotonic() - started < 10 and show(booted, "Result") == "success"
    assert sorted(one["n"] for one in records(booted.root)) == [0] * 100 + [1] * 100 + [2] * 100


def it_can_be_removed(booted):
    """Removing the package loses nothing that was captured."""
    booted.run("systemctl", "start", "source-postgres@shop")
    booted.run("apt-get", "purge", "-y", "-qq", "source-postgres")
    assert show(booted, "ActiveState") == "inactive"
    assert booted.ask("sh", "-c", "command -v source-postgres; ls /usr/share/doc/source-postgres /lib/systemd/system/source-postgres*") == ""
    assert os.path.exists(os.path.join(booted.root, ETC, "shop.json")) and len(records(booted.root)) == 300


def test_the_package_is_installed_captures_and_is_removed(root, database, tmp_path):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0)", "INSERT INTO t SELECT generate_series(1, 100)")
    first, second = (build_package(tmp_path / "build", version) for version in ("1.0.0", "1.0.1"))
    with contextlib.closing(Booted(root)) as booted:
        booted.run("apt-get", "update", "-qq")
        booted.install(first)
        the_program_answers(booted, "1.0.0")
        configure(root, database)
        it_captures(booted, database)
        it_survives_an_upgrade(booted, database, second)
        it_can_be_removed(booted)
