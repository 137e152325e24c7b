"""The container image, built and run as scripts/image does. Takes a minute or two."""

import json
import os
import shutil
import subprocess

import pytest

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "image")
MEGABYTES_ABOVE_BASE = 40


def why_not():
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return None
    missing = [tool for tool in ("buildah", "debootstrap") if not shutil.which(tool)]
    if missing:
        return f"no Docker engine runs here, and {' and '.join(missing)} is missing"
    return None if os.geteuid() == 0 else "building with buildah needs root"


@pytest.mark.limit(900)
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_the_image_is_small_and_answers(tmp_path):
    with open(tmp_path / "out", "wb") as out:
        subprocess.run([SCRIPT, "--tag", "source-postgres-test", "--run", "spec"], stdout=out, check=True, timeout=800)
    lines = (tmp_path / "out").read_text().splitlines()
    size = next(line for line in lines if "above the base: " in line)
    assert float(size.split("above the base: ")[1].split()[0]) < MEGABYTES_ABOVE_BASE
    spec = json.loads(lines[-1])
    assert spec["type"] == "SPEC"
