"""What is installed, the Debian package, and the examples of how to run it: the unit of systemd, the objects of Kubernetes."""

import gzip
import json
import os
import re
import shutil
import stat
import subprocess

import pytest
import yaml

from connector import executable, run
from server import PASSWORD, free_port

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
VERSION = "9.8.7+6.g0123456789"
FILES = {"usr/bin/source-postgres", "usr/lib/systemd/system/source-postgres@.service",
         "usr/share/man/man1/source-postgres.1.gz", "usr/share/bash-completion/completions/source-postgres",
         "usr/share/zsh/vendor-completions/_source-postgres", "usr/share/doc/source-postgres/deploy.md",
         "usr/share/doc/source-postgres/airbyte.md", "usr/share/doc/source-postgres/examples/kubernetes.yaml",
         "usr/share/doc/source-postgres/monitoring/alerts.yml"}


def succeed(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def find_package(directory, version):
    return next(os.path.join(directory, name) for name in os.listdir(directory) if name.startswith(f"source-postgres_{version}_"))


@pytest.fixture(name="package", scope="module")
def package_of_this_build(tmp_path_factory):
    """The package as the preset configures it, around the executable that is there: where it is, and what is in it."""
    build, staged, unpacked = (str(tmp_path_factory.mktemp(name)) for name in ("build", "staged", "unpacked"))
    succeed("cmake", "--preset", "package", "-B", build, f"-DVERSION={VERSION}", cwd=ROOT)
    shutil.copy(executable(), os.path.join(build, "src"))
    succeed("cmake", "--install", build, "--prefix", f"{staged}/usr")
    succeed("cpack", "-D", "CPACK_INSTALL_CMAKE_PROJECTS=", "-D", f"CPACK_INSTALLED_DIRECTORIES={staged};/",
            "-D", "CPACK_PACKAGING_INSTALL_PREFIX=/", cwd=build)
    package = find_package(build, VERSION)
    succeed("dpkg-deb", "--raw-extract", package, unpacked)
    return package, unpacked


def test_the_debian_package_has_what_belongs_to_it(package):
    unpacked = package[1]
    found = {os.path.relpath(os.path.join(directory, name), unpacked)
             for directory, _, names in os.walk(unpacked) for name in names}
    assert FILES <= found
    assert not [name for name in found if re.search(r"\.(a|h|o|in)$|test|/etc/", name)]
    for name in FILES:
        mode = stat.S_IMODE(os.stat(os.path.join(unpacked, name)).st_mode)
        assert mode == (0o755 if "/bin/" in name else 0o644), name
    with gzip.open(os.path.join(unpacked, "usr/share/man/man1/source-postgres.1.gz"), "rt") as page:
        assert page.read().startswith(".TH SOURCE-POSTGRES")


def test_the_debian_package_names_its_version_and_what_it_needs(package):
    assert os.path.basename(package[0]).startswith(f"source-postgres_{VERSION}_")
    field = dict(re.findall(r"^(\S+): (.*)$", succeed("dpkg-deb", "--field", package[0]), re.MULTILINE))
    assert field["Version"] == VERSION and field["Section"] == "database"
    needed = {one.split()[0] for one in field["Depends"].split(", ")}
    linked = {"libpq5", "libssl3", "libck0", "libcjson1", "libuuid1", "libprotobuf-c1", "libssh-4", "libmicrohttpd12", "libzstd1"}
    assert {"adduser"} < needed and {name.rstrip("0123456789.-t") for name in linked} <= \
        {name.rstrip("0123456789.-t") for name in needed}
    for script in ("postinst", "prerm", "postrm"):
        path = os.path.join(package[1], "DEBIAN", script)
        succeed("sh", "-n", path)
        assert os.access(path, os.X_OK)


@pytest.mark.parametrize("tag, commits, dirty, version", [
    (None, 3, False, r"1\.2\.3\+3\.g[0-9a-f]{10}"), ("v2.0.0", 3, False, r"2\.0\.0\+3\.g[0-9a-f]{10}"),
    ("v2.0.0", 0, False, r"2\.0\.0"), ("v2.0.0-rc.1", 0, True, r"2\.0\.0-rc\.1\+0\.g[0-9a-f]{10}\.dirty"),
    (None, None, False, r"1\.2\.3")])
def test_the_version_is_that_of_git_or_of_the_file(tmp_path, tag, commits, dirty, version):
    """`commits` after the tag; None: a tarball, unpacked within another repository."""
    source = tmp_path / "source"
    (source / "cmake").mkdir(parents=True)
    shutil.copy(os.path.join(ROOT, "cmake", "version.cmake"), source / "cmake")
    (source / "VERSION").write_text("1.2.3\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(source if commits is not None else tmp_path)]
    succeed(*git, "init")
    if tag:
        succeed(*git, "add", ".")
        succeed(*git, "commit", "-m", "tagged")
        succeed(*git, "tag", tag)
    for number in range(commits if commits is not None else 1):
        (source / "file").write_text(str(number))
        succeed(*git, "add", ".")
        succeed(*git, "commit", "-m", "one")
    if dirty:
        (source / "VERSION").write_text("1.2.4\n")
    print_version = ["cmake", "-P", str(source / "cmake" / "version.cmake")]
    assert re.fullmatch(version, succeed(*print_version).strip())
    assert succeed("cmake", "-DVERSION=5.0", *print_version[1:]).strip() == "5.0"


def test_the_image_has_the_version_of_the_source_unless_given():
    with open(os.path.join(ROOT, "VERSION"), encoding="ascii") as file, \
         open(os.path.join(ROOT, "Dockerfile"), encoding="ascii") as dockerfile:
        assert f"\nARG VERSION={file.read().strip()}\n" in dockerfile.read()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="the package systemd is not installed")
def test_the_unit_of_systemd_is_valid_and_leaves_a_capture_few_rights(package, tmp_path):
    with open(os.path.join(package[1], "usr/lib/systemd/system/source-postgres@.service"), encoding="utf-8") as file:
        unit = file.read()
    assert "ExecStart=/usr/bin/source-postgres read " in unit and "file:///usr/share/doc/source-postgres/deploy.md" in unit
    # Where the program is not installed: one that is, and no manual page.
    path = tmp_path / "source-postgres@shop.service"
    path.write_text(re.sub("(?m)^Documentation=.*$", "", unit.replace("/usr/bin/source-postgres", "/bin/true")))
    assert succeed("systemd-analyze", "verify", "--recursive-errors=no", str(path)) == ""
    succeed("systemd-analyze", "security", "--offline=yes", "--threshold=20", str(path))


@pytest.fixture(name="objects")
def objects_of_kubernetes():
    with open(os.path.join(ROOT, "packaging", "kubernetes.yaml"), encoding="utf-8") as file:
        return {one["kind"]: one for one in yaml.safe_load_all(file)}


def test_the_objects_of_kubernetes_fit_each_other(objects):
    assert {kind: one["apiVersion"] for kind, one in objects.items()} == \
        {"Secret": "v1", "ConfigMap": "v1", "Service": "v1", "StatefulSet": "apps/v1"}
    assert len({one["metadata"]["name"] for one in objects.values()}) == 1
    name, one = objects["Service"]["metadata"]["name"], objects["StatefulSet"]["spec"]
    labels = one["template"]["metadata"]["labels"]
    assert one["serviceName"] == name and one["selector"]["matchLabels"] == labels == objects["Service"]["spec"]["selector"]
    pod = one["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in one["volumeClaimTemplates"]}
    assert {volume.get("configMap", volume.get("secret")).get("name", name) for volume in pod["volumes"]} == {name}
    assert {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume} == {name}
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == volumes


def test_the_pod_of_kubernetes_is_one_that_its_image_can_be(objects):
    """One process for the slot, with enough time to stop, as the image's user and without privileges that it does not
    need."""
    spec = objects["StatefulSet"]["spec"]
    pod, container = spec["template"]["spec"], spec["template"]["spec"]["containers"][0]
    with open(os.path.join(ROOT, "Dockerfile"), encoding="utf-8") as file:
        user = int(re.search(r"^USER (\d+):\1$", file.read(), re.MULTILINE)[1])
    assert spec["replicas"] == 1 and pod["terminationGracePeriodSeconds"] > 8
    assert {pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {user}
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"] == \
        {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    port = next(one["containerPort"] for one in container["ports"] if one["name"] == "metrics")
    assert f"--metrics-listen=0.0.0.0:{port}" in container["args"]
    assert spec["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(port) == \
        str(objects["Service"]["spec"]["ports"][0]["port"])
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_the_pod_of_kubernetes_captures(objects, database, tmp_path):
    """Its arguments and its configuration, with the paths and the server of the test."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 100)")
    container = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    config = json.loads(objects["ConfigMap"]["data"]["config.json"])
    mounts = {mount["mountPath"]: tmp_path / mount["name"] for mount in container["volumeMounts"]}
    for path in mounts.values():
        path.mkdir()

    def moved(text):
        for mount, path in mounts.items():
            text = text.replace(f"{mount}/", f"{path}/")
        return text

    config = {**json.loads(moved(json.dumps(config))), **database.config()}
    del config["password"]
    with open(config["password_file"], "w", encoding="utf-8") as file:
        file.write(PASSWORD)
    (mounts["/etc/source-postgres"] / "config.json").write_text(json.dumps(config))
    arguments = [moved(one).replace("0.0.0.0:9187", str(free_port())) for one in container["args"] if one != "--tail"]
    done = run(*arguments)
    assert done.process.returncode == 0, done.stderr
    captured = mounts["/data"] / "capture" / "public.t" / "00000001.jsonl"
    assert len(captured.read_text().splitlines()) == 100
