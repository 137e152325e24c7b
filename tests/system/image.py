"""Running the connector from where a platform has it: an executable, or a container image, with Docker where an engine
runs and else with Debian's buildah, as scripts/image builds it.

A signal to the client of an image does not reach the connector in it as it is: no client can pass SIGKILL on, and
buildah turns every other signal into SIGKILL. Keep reading while you send one: a client may first have to write what
the connector printed.
"""

import contextlib
import glob
import json
import os
import shutil
import subprocess
import uuid

BUILDAH = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}  # as scripts/image has it


def docker_runs():
    return bool(shutil.which("docker")) and \
        subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def why_not():
    """Why no image can be run here, or None."""
    if docker_runs():
        return None
    if not shutil.which("buildah"):
        return "no Docker engine runs here, and buildah is missing"
    return None if os.geteuid() == 0 else "no Docker engine runs here, and buildah needs root"


def image(name):
    """Fails if there is no image, or no engine to run it."""
    reason = why_not()
    if reason:
        raise SystemExit(f"cannot run the image {name}: {reason}")
    return DockerImage(name) if docker_runs() else BuildahImage(name)


class Executable:
    is_image = False

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def command(self, arguments, _directory=None, **_variables):
        return [self.path, *arguments]

    def send_signal(self, process, number):
        process.send_signal(number)

    def close(self):
        pass


class Image:
    """`directory` is mounted where it is, to be read; `variables` are what the environment has beside the image's."""
    is_image = True

    def __init__(self, name, inspect):
        self.name = name
        done = subprocess.run([*inspect, name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"there is no image {name}: ./scripts/image --tag {name} builds it")
        self.facts = json.loads(done.stdout)

    def options(self, directory, variables):
        options = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
        return options + (["--volume", f"{directory}:{directory}:ro"] if directory else [])


class DockerImage(Image):
    def __init__(self, name):
        super().__init__(name, ["docker", "image", "inspect"])
        self.config = self.facts[0]["Config"]

    def command(self, arguments, directory=None, **variables):
        self.container = f"source-postgres-{uuid.uuid4()}"
        return ["docker", "run", "--rm", "--interactive", "--pull=never", "--network=host", "--name", self.container,
                *self.options(directory, variables), self.name, *arguments]

    def send_signal(self, _, number):
        subprocess.run(["docker", "kill", "--signal", str(int(number)), self.container], capture_output=True, check=False)

    def close(self):
        pass


class BuildahImage(Image):
    def __init__(self, name):
        for variable, value in BUILDAH.items():
            os.environ.setdefault(variable, value)
        super().__init__(name, ["buildah", "inspect", "--type", "image"])
        self.config = self.facts["OCIv1"]["config"]
        self.container = subprocess.run(["buildah", "from", "--pull-never", name], capture_output=True, text=True,
                                        check=True).stdout.strip()

    def command(self, arguments, directory=None, **variables):
        return ["buildah", "run", "--network=host", *self.options(directory, variables),
                self.container, "--", *self.config["Entrypoint"], *arguments]

    def send_signal(self, process, number):
        """The connector is the innermost child: between it and the client are processes of buildah."""
        pid = process.pid
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may end by itself
            while children := children_of(pid):
                pid = children[0]
            os.kill(pid, number)

    def close(self):
        subprocess.run(["buildah", "rm", self.container], capture_output=True, check=True)


def children_of(pid):
    children = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path, encoding="ascii") as file:
            children += map(int, file.read().split())
    return children
