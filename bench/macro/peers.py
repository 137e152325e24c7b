"""Other programs of the kind, each in bench/peers/NAME: `build` fetches and compiles it, `command` is what --program would be given, and
`modes` what it can do."""

import glob
import os
import shlex
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCES = os.path.join(ROOT, "bench", "peers")


def names():
    return sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(SOURCES, "*", "command")))


def read(name, file):
    with open(os.path.join(SOURCES, name, file), encoding="utf-8") as content:
        return " ".join(content.read().split())


def program(name):
    """(name, command, modes), built where it was not before."""
    source, built = os.path.join(SOURCES, name), os.path.join(os.environ.get("BUILD_ROOT", ROOT), "build-peers", name)
    stamp = os.path.join(built, "built")
    newest = max(os.path.getmtime(path) for path in glob.glob(os.path.join(source, "*")))
    if not os.path.exists(stamp) or os.path.getmtime(stamp) < newest:
        os.makedirs(built, exist_ok=True)
        done = subprocess.run([os.path.join(source, "build"), built], check=False)
        if done.returncode:
            raise RuntimeError(f"--peer {name}: it could not be fetched and built; {source}/build says what it needs")
        with open(stamp, "w", encoding="ascii"):
            pass
    return name, read(name, "command").replace("{peer}", shlex.quote(built)), read(name, "modes").split()
