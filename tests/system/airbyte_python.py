"""A Python that has Airbyte's packages: a virtual environment in the build root, made when it is first asked for."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCRIPTS = os.path.join(ROOT, "tests", "airbyte")
REQUIREMENTS = os.path.join(SCRIPTS, "requirements.txt")
DIRECTORY = os.path.join(os.environ.get("BUILD_ROOT", ROOT), "build-airbyte")
INSTALL_LIMIT_S = 300
installing = None  # the future of install()


def begin_install():
    """In a thread of its own: it mostly waits for the network."""
    global installing
    executor = ThreadPoolExecutor(1)
    installing = executor.submit(install)
    executor.shutdown(wait=False)


def installed():
    """Wait for begin_install: why it could not be done, or None."""
    return installing.result()


def install():
    """Why it cannot be had, or None. It takes a minute, and 600 MB."""
    made_from = os.path.join(DIRECTORY, "requirements.txt")
    if os.path.exists(made_from) and read(made_from) == read(REQUIREMENTS):
        return None
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    try:
        command(sys.executable, "-m", "venv", DIRECTORY)
        command(os.path.join(DIRECTORY, "bin", "pip"), "--disable-pip-version-check", "install", "--quiet",
                "--no-compile", "--retries", "1", "--timeout", "15", "--requirement", REQUIREMENTS)
    except subprocess.TimeoutExpired:
        return f"Airbyte's packages cannot be installed: not done after {INSTALL_LIMIT_S} s"
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines() or [str(error)]
        return f"Airbyte's packages cannot be installed (is the Python registry within reach?): {said[-1]}"
    shutil.copy(REQUIREMENTS, made_from)
    return None


def command(*words):
    return subprocess.run(words, check=True, timeout=INSTALL_LIMIT_S, text=True, capture_output=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run_script(name, *arguments, limit_s):
    """Run a script of tests/airbyte to its end, without the environment that may lead it elsewhere."""
    python = os.path.join(DIRECTORY, "bin", "python")
    return subprocess.run([python, os.path.join(SCRIPTS, name), *arguments], timeout=limit_s, text=True,
                          capture_output=True, check=False)
