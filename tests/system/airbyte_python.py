"""A Python that has Airbyte's packages: a virtual environment in the build root, made when it is first asked for."""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCRIPTS = os.path.join(ROOT, "tests", "airbyte")
REQUIREMENTS = os.path.join(SCRIPTS, "requirements.txt")
DIRECTORY = os.path.join(os.environ.get("BUILD_ROOT", ROOT), "build-airbyte")
INSTALL_LIMIT_S = 300
installing = None  # the future of install()


def is_wanted():
    """Installing takes a minute of processor time, too."""
    return os.environ.get("AIRBYTE_CLIENT") == "1"


def begin_install():
    """Install in a thread of its own: it mostly waits for the network."""
    global installing
    executor = ThreadPoolExecutor(1)
    installing = executor.submit(install)
    executor.shutdown(wait=False)


def installed():
    """Wait for begin_install: why it could not be done, or None."""
    return installing.result() if installing else "AIRBYTE_CLIENT=1 asks for Airbyte's packages"


def install():
    """Install it in one of the processes that run the tests, while the others wait for it."""
    os.makedirs(os.path.dirname(DIRECTORY), exist_ok=True)
    with open(f"{DIRECTORY}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install_alone()


def install_alone():
    """Why it cannot be installed, or None. It takes a minute, and 600 MB."""
    made_from = os.path.join(DIRECTORY, "requirements.txt")
    if os.path.exists(made_from) and read(made_from) == read(REQUIREMENTS):
        return None
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    try:
        command(sys.executable, "-m", "venv", "--without-pip", DIRECTORY)
        command(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile",
                "--retries", "1", "--timeout", "15", "--target", packages(), "--requirement", REQUIREMENTS)
    except subprocess.TimeoutExpired:
        return f"Airbyte's packages cannot be installed: not done after {INSTALL_LIMIT_S} s"
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines() or [str(error)]
        return f"Airbyte's packages cannot be installed (is the Python registry within reach?): {said[-1]}"
    shutil.copy(REQUIREMENTS, made_from)
    return None


def packages():
    """Where the environment looks for them. It has no pip of its own: ensurepip does not work everywhere."""
    return sysconfig.get_path("purelib", "venv" if "venv" in sysconfig.get_scheme_names() else "posix_prefix",
                              {"base": DIRECTORY, "platbase": DIRECTORY})


def command(*words):
    return subprocess.run(words, check=True, timeout=INSTALL_LIMIT_S, text=True, capture_output=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def script_words(name, *arguments):
    return [os.path.join(DIRECTORY, "bin", "python"), os.path.join(SCRIPTS, name), *arguments]


def run_script(name, *arguments, limit_s):
    """Run a script of tests/airbyte to its end."""
    return subprocess.run(script_words(name, *arguments), timeout=limit_s, text=True, capture_output=True, check=False)
