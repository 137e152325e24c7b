"""Airbyte's standard tests (airbyte-cdk[dev]), without Docker and without its connector registry.

Usage: conformance.py EXECUTABLE CONFIG DIRECTORY

The suite for images calls nothing but `docker run` with the mounts of a verb: a stand-in of that name runs EXECUTABLE
instead. The suite for sources written in Python drives a class that does the same. CONFIG is of a database with rows
in all of its tables; DIRECTORY is where all that is made goes. The last line of standard output is a JSON object: how
many tests passed, and why others were skipped. The exit code is not 0 when one failed.
"""

import json
import os
import shutil
import stat
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

DOCKER = """#!{python}
import os, sys

words = sys.argv[1:]
if words == ["--version"]:
    print("Docker version 0, a stand-in")
    sys.exit()
assert words[:2] == ["run", "--rm"], words
words, mounts = words[2:], {{}}
while words[0].startswith("-"):
    option, value, *words = words
    if option == "-v":
        host, inside = value.split(":")[:2]
        mounts[inside] = host
    else:
        assert option == "-e", option
        os.environ.update([value.split("=", 1)])
os.execv("{executable}", ["{executable}", *(mounts.get(word, word) for word in words[1:])])
"""

TESTS = """
import json, os, subprocess, tempfile

from airbyte_cdk.models import AirbyteMessageSerializer, AirbyteStateMessage, ConfiguredAirbyteCatalogSerializer, Status, Type
from airbyte_cdk.sources import Source
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase
from airbyte_cdk.test.standard_tests._read_assertions import RecordFormatChecker
from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite


# A time of JSON schema's draft 3 has neither a fraction nor a zone; those of Airbyte's types have.
RecordFormatChecker.checkers = {{name: check for name, check in RecordFormatChecker.checkers.items() if name != "time"}}


class Connector(Source):
    def messages(self, verb, **files):
        with tempfile.TemporaryDirectory() as directory:
            arguments = []
            for name, content in files.items():
                path = os.path.join(directory, name)
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(content, file)
                arguments += ["--" + name, path]
            done = subprocess.run([{executable!r}, verb, *arguments], capture_output=True, text=True, check=False)
        messages = [AirbyteMessageSerializer.load(json.loads(line)) for line in done.stdout.split("\\n")[:-1]]
        if done.returncode:
            raise RuntimeError(done.stderr)
        return messages

    def one(self, kind, verb, **files):
        return next(message for message in self.messages(verb, **files) if message.type == kind)

    def spec(self, logger):
        return self.one(Type.SPEC, "spec").spec

    def check(self, logger, config):
        return self.one(Type.CONNECTION_STATUS, "check", config=config).connectionStatus

    def discover(self, logger, config):
        return self.one(Type.CATALOG, "discover", config=config).catalog

    def read(self, logger, config, catalog, state=None):
        return self.messages("read", config=config, catalog=ConfiguredAirbyteCatalogSerializer.dump(catalog))


class TestImage(DockerConnectorTestSuite):
    pass


class TestSource(SourceTestSuiteBase):
    connector = Connector
"""


class Summary:
    def __init__(self):
        self.passed, self.skipped = 0, []

    def pytest_runtest_logreport(self, report):
        self.passed += report.when == "call" and report.passed
        if report.skipped:
            self.skipped.append(report.longrepr[2])


def main(executable, config_file, directory):
    connector = os.path.join(directory, "source-postgres")
    shutil.copytree(os.path.join(ROOT, "airbyte"), connector)
    os.mkdir(os.path.join(connector, "secrets"))
    shutil.copy(config_file, os.path.join(connector, "secrets", "config.json"))
    tests = os.path.join(connector, "test_standards.py")
    with open(tests, "w", encoding="utf-8") as file:
        file.write(TESTS.format(executable=executable))
    stand_in = os.path.join(directory, "docker")
    with open(stand_in, "w", encoding="utf-8") as file:
        file.write(DOCKER.format(python=sys.executable, executable=executable))
    os.chmod(stand_in, stat.S_IRWXU)
    os.environ["PATH"] = directory + os.pathsep + os.environ["PATH"]
    os.environ["DO_NOT_TRACK"] = "1"
    os.chdir(connector)
    summary = Summary()
    code = pytest.main(
        ["-q", "-p", "airbyte_cdk.test.standard_tests.pytest_hooks", "-p", "no:cacheprovider", "--rootdir", connector,
         "--connector-image", "source-postgres:dev", "--read-from-streams=all",
         "-W", "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning",
         "-k", "not backward_compatibility",  # asks the registry of published connectors
         tests], plugins=[summary])
    print(json.dumps({"passed": summary.passed, "skipped": summary.skipped}))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
