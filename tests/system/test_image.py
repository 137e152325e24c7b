"""The container image, built and run as scripts/image does. Takes two minutes or three."""

import contextlib
import json
import os
import re
import shutil
import subprocess

import pytest

import image
from test_end_to_end import end_to_end

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
SCRIPT = os.path.join(ROOT, "scripts", "image")
NAME = "source-postgres-test"
MEGABYTES_ABOVE_BASE = 40
PROGRAM = "/usr/local/bin/source-postgres"


def why_not():
    reason = image.why_not()
    if not reason and not image.docker_runs() and not shutil.which("debootstrap"):
        return "no Docker engine runs here, and debootstrap is missing"
    return reason


pytestmark = [pytest.mark.limit(900), pytest.mark.long, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


def build(tmp_path, *arguments):
    """The output of scripts/image."""
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([SCRIPT, *arguments], stdout=out, check=True, timeout=800)
    return (tmp_path / "out").read_text()


def report(printed):
    """Its size, and its id."""
    return next(line for line in printed.splitlines() if "above the base: " in line)


@pytest.fixture(name="printed", scope="module")
def printed_by_the_build(tmp_path_factory):
    """Once in dozens of times buildah's relay drops the output of a short program."""
    for _ in range(3):
        printed = build(tmp_path_factory.mktemp("image"), "--tag", NAME, "--run", "spec")
        if not printed.endswith(report(printed) + "\n"):
            break
    return printed


@pytest.fixture(name="config")
def config_of_the_image(printed):
    assert printed
    with contextlib.closing(image.image(NAME)) as built:
        yield built.config


def test_the_image_is_small_and_answers(printed):
    assert float(report(printed).split("above the base: ")[1].split()[0]) < MEGABYTES_ABOVE_BASE
    assert json.loads(printed.splitlines()[-1])["type"] == "SPEC"


def test_the_image_has_what_both_platforms_ask_for(config):
    version = subprocess.run(["cmake", "-P", os.path.join(ROOT, "cmake", "version.cmake")], capture_output=True, text=True,
                             check=True).stdout.strip()
    labels = {"io.airbyte.name": "source-postgres", "io.airbyte.version": version, "FLOW_RUNTIME_PROTOCOL": "capture",
              "FLOW_RUNTIME_CODEC": "proto", "CONNECTOR_PROTOCOL": "flow-capture",
              "org.opencontainers.image.title": "source-postgres", "org.opencontainers.image.version": version}
    assert labels.items() <= config["Labels"].items()
    assert config["Entrypoint"] == [PROGRAM] and not config.get("Cmd")
    assert f"AIRBYTE_ENTRYPOINT={PROGRAM}" in config["Env"] and "FLOW_RUNTIME_CODEC=proto" in config["Env"]
    assert config["StopSignal"] == "SIGTERM"


def test_the_image_has_a_program_of_the_version_that_it_names(config):
    with contextlib.closing(image.image(NAME)) as built:
        says = [subprocess.run(built.command(["--version"]), stdout=subprocess.PIPE, text=True, check=True).stdout for _ in range(3)]
    assert set(says) - {""} == {f"source-postgres {config['Labels']['org.opencontainers.image.version']}\n"}


def test_the_image_is_not_root_and_that_can_be_told_from_a_number(config):
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])


def test_the_image_is_the_same_when_it_is_built_again(printed, tmp_path):
    assert report(build(tmp_path, "--tag", NAME)) == report(printed)


def test_the_image_speaks_both_protocols_end_to_end(printed, database):
    assert printed
    done = end_to_end(database, CONNECTOR=NAME, VERSION="latest")
    assert done.returncode == 0 and "equal" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
