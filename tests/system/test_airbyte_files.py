"""The files that a registry of connectors reads agree with the executable and the image."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree

from connector import executable, run

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


def text(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def member(name):
    """A value of metadata.yaml, which is flat enough for that."""
    return re.search(rf"^ +{name}: (.*)$", text("airbyte", "metadata.yaml"), re.MULTILINE)[1]


def test_the_metadata_names_this_version_and_what_is_there():
    version = subprocess.run([executable(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert member("dockerImageTag") == text("VERSION").strip() == version.split("+")[0]
    assert f'io.airbyte.name="{member("dockerRepository")}"' in text("Dockerfile")
    assert xml.etree.ElementTree.fromstring(text("airbyte", member("icon"))).tag.endswith("svg")
    assert int(member("maxSecondsBetweenMessages")) >= 2 * 300  # seconds between two lines of progress that are the same


def test_a_platform_allows_the_hosts_that_a_configuration_names():
    properties = run("spec").of_type("SPEC")[0]["spec"]["connectionSpecification"]["properties"]
    assert "host" in properties and any("tunnel_host" in way["properties"] for way in properties["tunnel_method"]["oneOf"])
    hosts = re.findall(r"^ +- (\$\{.*\})$", text("airbyte", "metadata.yaml"), re.MULTILINE)
    assert hosts == ["${host}", "${tunnel_method.tunnel_host}"]


def test_the_documentation_is_ours_and_where_the_image_has_it():
    url = member("documentationUrl")
    assert os.path.exists(os.path.join(ROOT, "docs", os.path.basename(url)))
    assert f"COPY --from=build /install/share/doc/source-postgres {os.path.dirname(url.removeprefix('file://'))}\n" in text("Dockerfile")
    assert run("spec").of_type("SPEC")[0]["spec"]["documentationUrl"] == url


def test_the_config_that_must_fail_is_valid_and_fails(tmp_path):
    config = os.path.join(ROOT, "airbyte", "unreachable_config.json")
    answer = run("check", "--config", config).succeed().of_type("CONNECTION_STATUS")[0]["connectionStatus"]
    assert answer["status"] == "FAILED" and str(json.loads(text("airbyte", "unreachable_config.json"))["port"]) in answer["message"]
