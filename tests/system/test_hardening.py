"""How the executable is built, and what a running process hides."""

import glob
import os
import platform
import re
import shutil
import subprocess
import time

import pytest

from connector import executable
from server import unprivileged_user

pytestmark = pytest.mark.skipif(not shutil.which("readelf"), reason="the package binutils is not installed")


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, executable()], check=True, capture_output=True, text=True).stdout


def disassembly():
    return subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", executable()], check=True, capture_output=True, text=True).stdout


def build(name):
    """A variable of the build beside the executable, or None."""
    path = os.path.join(os.path.dirname(executable()), "..", "CMakeCache.txt")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as cache:
        found = re.search(rf"^{name}:[A-Z]+=(.*)$", cache.read(), re.MULTILINE)
    return found and found[1]


def test_it_is_loaded_anywhere():
    assert re.search(r"Type:\s+DYN", readelf("--file-header"))
    assert re.search(r"FLAGS_1.*\bPIE\b", readelf("--dynamic"))


def test_what_is_relocated_cannot_be_written_afterwards():
    assert "GNU_RELRO" in readelf("--program-headers")
    assert re.search(r"FLAGS\b.*BIND_NOW|FLAGS_1.*\bNOW\b", readelf("--dynamic"))


def test_nothing_is_both_written_and_executed():
    headers = readelf("--program-headers")
    assert re.search(r"GNU_STACK\s.*\sRW\s", headers)
    assert not re.search(r"\sRWE\s", headers)
    assert "TEXTREL" not in readelf("--dynamic")


def test_overflows_are_noticed():
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    if build("SANITIZE") or build("CMAKE_BUILD_TYPE") == "Debug":
        pytest.skip("fortified functions need optimisation, and sanitizers have their own")
    assert "__memcpy_chk" in symbols or "__snprintf_chk" in symbols or "__vsnprintf_chk" in symbols


@pytest.mark.skipif(platform.machine() != "x86_64", reason="it has other words elsewhere")
def test_jumps_go_to_where_they_may():
    code = disassembly()
    assert code.count("endbr64") > 100
    probes = re.findall(r"orq\s+\$0x0,\(%rsp\)|or\s+QWORD PTR \[rsp\],0x0", code)
    assert probes, "no function with a large frame touches each page of it"


def test_invariants_are_looked_at_in_every_build():
    """assert() is not compiled in a release; CHECK() is, and says what did not hold."""
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    sources = {path: open(path, encoding="utf-8").read() for path in glob.glob(f"{root}/src/**/*.[ch]", recursive=True)}
    assert not [path for path, text in sources.items() if re.search(r"\bassert\(", text)]
    invariants = [" ".join(found.split()) for text in sources.values() for found in re.findall(r"\bCHECK\((.*?)\);", text, re.DOTALL)]
    with open(executable(), "rb") as file:
        program = file.read()
    assert invariants and not [one for one in invariants if one.encode() not in program]


def test_a_running_process_dumps_no_core():
    """In /proc, the files of a process that may not be dumped belong to root."""
    other = unprivileged_user()
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen([executable()], stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **({"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}))
    except PermissionError:
        pytest.skip("the executable is not there for others")
    deadline = time.monotonic() + 10
    while os.stat(f"/proc/{process.pid}/fd").st_uid != 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    owner = os.stat(f"/proc/{process.pid}/fd").st_uid
    os.close(writer)
    process.wait(20)
    os.close(reader)
    assert owner == 0
