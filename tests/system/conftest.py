"""Fixtures of every test: the shared server, a database of its own, and captures that never outlive it."""

import itertools
import os
import signal
import subprocess

import pytest

import airbyte_python
import flow
import untracked
from capture import Capture
from connector import PATIENCE, executable
from database import Database
from output_dir import OutputDirectory
from server import Server

TEST_LIMIT_S = int(150 * PATIENCE)


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): a longer time limit for one test")
    config.addinivalue_line("markers", "codec(name, ...): the forms of Flow's protocol that a test is about: json, proto")
    config.addinivalue_line("markers", "since(major): the first PostgreSQL that has what the test is about")
    config.addinivalue_line("markers", "long: left out of the shortened suite")
    config.addinivalue_line("markers", "on_request: takes most of a minute and resembles another test: SYSTEM_LONG=1 runs it, too")
    config.addinivalue_line("markers", "every_other: of the cases of each test every other one runs; SYSTEM_LONG=1 runs all")
    config.addinivalue_line("markers", "last: runs after all other tests: it is about what they did, or waits long for what it needs")


def left_out(items):
    """Of each test, a case in one of Flow's codecs, or every other one of more than two cases. Where the tests of a module share
    their cases, the next test leaves out the others."""
    tests = {}
    for item in items:
        values = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        codec = values.pop("codec", None)
        cases = tests.setdefault(item.module, {}).setdefault(item.function, {})
        cases.setdefault(repr(values), []).append((item, codec == "proto"))
    for of_module in tests.values():
        for number, cases in enumerate(of_module.values()):
            for position, case in enumerate(cases.values()):
                if len(case) > 1 or len(cases) > 2:
                    yield from (item for item, proto in case if (number + position + proto) % 2)


def pytest_collection_modifyitems(items):
    if os.environ.get("SYSTEM_LONG") != "1":
        for item in itertools.chain(
                (item for item in items if item.get_closest_marker("on_request")),
                left_out(item for item in items if item.get_closest_marker("every_other"))):
            item.add_marker(pytest.mark.skip(reason="SYSTEM_LONG=1 runs it, too"))
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_collection_finish(session):
    """The packages for Airbyte's tests are fetched while other tests run."""
    if airbyte_python.is_wanted() and any("script" in item.fixturenames for item in session.items):
        airbyte_python.begin_install()


def pytest_report_header():
    return f"connector: {executable()}"


@pytest.fixture(autouse=True)
def time_limit(request):
    """A limit for each test, whatever it waits for."""
    marker = request.node.get_closest_marker("limit")
    seconds = int(marker.args[0] * PATIENCE) if marker else TEST_LIMIT_S

    def expired(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def server():
    long_tests_s = sum(float(os.environ.get(name, "0")) for name in ("CHAOS_SECONDS", "SOAK_SECONDS"))
    with Server(lifetime_s=3600 + long_tests_s) as running:
        yield running


@pytest.fixture
def database(server, request):
    marker = request.node.get_closest_marker("since")
    own = Database(server)
    if marker and own.connection.server_version < marker.args[0] * 10000:
        own.drop()
        pytest.skip(f"new in PostgreSQL {marker.args[0]}")
    yield own
    own.drop()


@pytest.fixture
def capture(database, tmp_path):
    """capture(streams, tail=..., option=...): a new Capture of the test's database, or of the one named in `of`."""
    made = []
    serial = itertools.count()

    def make(streams, **options):
        directory = tmp_path / f"capture{next(serial)}"
        os.makedirs(directory)
        made.append(Capture(options.pop("of", database), directory, streams, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill_all()


@pytest.fixture(name="directory")
def output_directory(capture):
    """directory(streams, *options of the command line, option=...): where a capture writes files."""

    def make(streams, *options, **more):
        return OutputDirectory(capture(streams, tail=True, **more), *options)

    return make


@pytest.fixture(name="begin")
def untracked_capture(database, capture):
    return untracked.beginner(database, capture)


def pytest_generate_tests(metafunc):
    """Flow's tests run in both forms of its protocol, unless a test is about the bytes of one."""
    if metafunc.module.__name__.startswith("test_flow"):
        mark = metafunc.definition.get_closest_marker("codec")
        metafunc.parametrize("codec", mark.args if mark else ["json", "proto"], indirect=True)


@pytest.fixture(autouse=True)
def codec(request):
    flow.Process.codec = getattr(request, "param", "json")
    yield flow.Process.codec
    flow.Process.codec = "json"


@pytest.fixture(name="preload", scope="session")
def built_library(tmp_path_factory):
    """preload(name): a library that is preloaded to have calls of the C library do something else. Sanitizers want to be
    loaded first themselves."""
    if "asan" in subprocess.run(["ldd", executable()], stdout=subprocess.PIPE, text=True, check=True).stdout:
        pytest.skip("not with AddressSanitizer")

    def build(name):
        library = str(tmp_path_factory.mktemp("preload") / f"{name}.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return library

    return build


@pytest.fixture(name="flow")
def flow_captures(database):
    """flow(bindings, option=...): a capture of the test's database as Flow drives it."""
    made = []

    def make(bindings, **options):
        made.append(flow.Capture(database, bindings, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill_all()


@pytest.fixture(name="user")
def restricted_user(database):
    """user(attributes): a role with no more than its attributes; gone afterwards."""
    names = []

    def make(attributes="REPLICATION", *grants):
        names.append(f"user_of_{database.name}")
        database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC",  # as it is from PostgreSQL 15 on
                         f"CREATE USER {names[-1]} WITH PASSWORD 'other-s3cret' {attributes}",
                         *[grant.format(user=names[-1]) for grant in grants])
        return {"user": names[-1], "password": "other-s3cret"}

    yield make
    for name in names:
        database.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")
