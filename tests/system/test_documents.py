"""The documents refer to tests, links, options and pictures that exist."""

import glob
import json
import os
import re
import subprocess
import sys

import pages
from connector import executable, run

ROOT = pages.ROOT


def text_of(*pattern):
    texts = []
    for path in glob.glob(os.path.join(ROOT, *pattern), recursive=True):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return "\n".join(texts)


def test_tests_that_documents_name_are_there():
    tests = text_of("tests", "system", "*.py")
    named = re.findall(r"\btest_\w+\b(?!\.py)", text_of("docs", "*.md"))
    assert named and [name for name in named if f"def {name}(" not in tests] == []
    for name in re.findall(r"\b(test_\w+\.py)\b", text_of("docs", "*.md")):
        assert os.path.exists(os.path.join(ROOT, "tests", "system", name)), name


# Variables of builds with crash points.
TEST_VARIABLES = {"CRASH_POINT", "GIVE_UP_S"}


def test_links_lead_somewhere():
    broken = []
    for path in pages.paths():
        for link in pages.links(path):
            target, _, anchor = link.partition("#")
            if re.match(r"https?://", link):
                continue
            there = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not os.path.exists(there) or anchor and anchor not in pages.anchors(there):
                broken.append(f"{pages.name(path)}: {link}")
    assert broken == []


def test_every_page_is_reached_from_the_readme():
    reached, next_ones = set(), [os.path.join(ROOT, "README.md")]
    while next_ones:
        path = os.path.normpath(next_ones.pop())
        if path.endswith(".md") and path not in reached and os.path.exists(path):
            reached.add(path)
            next_ones += [os.path.join(os.path.dirname(path), link.partition("#")[0]) for link in pages.links(path) if ":" not in link]
    assert [pages.name(path) for path in pages.paths() if path not in reached] == []


def test_no_file_is_too_long_for_a_reader():
    sources = [os.path.join(ROOT, path) for path in glob.glob("**/*.[ch]", root_dir=ROOT, recursive=True) if not path.startswith("build-")]
    assert len(sources) > 300
    assert [pages.name(path) for path in [*pages.paths(), *sources] if pages.read(path).count("\n") > 400] == []


def flattened(properties, prefix=""):
    """Each option by its path, with what it says; those of `advanced` by their name alone, too."""
    for name, one in properties.items():
        yield prefix + name, one
        if one["type"] == "object" and name != "networkTunnel":
            yield from flattened(one.get("properties", {}), f"{prefix}{name}.")


def test_the_page_of_options_is_that_of_the_spec():
    schema = run("spec").succeed().messages[0]["spec"]["connectionSpecification"]
    documented, missing = {}, []
    for row in pages.rows("docs/configuration.md"):
        documented.setdefault(row[0].strip("`"), row[1:])
    for path, one in flattened(schema["properties"]):
        row = documented.get(path) or documented.get(path.removeprefix("advanced."))
        if path == "advanced":
            continue
        assert row, f"docs/configuration.md lacks {path}"
        default, meaning = row
        if not meaning.startswith(one["description"]):
            missing.append(f"{path}: {one['description']}")
        if "default" in one and one["type"] != "object":
            assert default.strip("`") == json.dumps(one["default"]).strip('"'), path
        assert (default == "required") == (path in ("host", "user")), path
        assert all(f"`{word}`" in meaning for word in one.get("enum", [])), path
    assert missing == []


def test_every_option_of_a_command_and_every_variable_is_in_a_page():
    text = "\n".join(pages.read(path) for path in pages.paths())
    commands = ("spec", "check", "discover", "read", "setup-sql", "status", "backfill", "teardown")
    shown = "".join(subprocess.run([executable(), command, "--help"], check=True, timeout=20, capture_output=True, text=True).stdout
                    for command in commands)
    options = set(re.findall(r"--[a-z][a-z-]+", shown))
    variables = set(re.findall(r'getenv\("(\w+)"\)', text_of("src", "**", "*.c"))) - TEST_VARIABLES
    assert len(options) > 10 and "LOG_LEVEL" in variables
    assert [word for word in sorted(options | variables) if not re.search(rf"{word}\b", text)] == []


def test_every_metric_is_in_the_page():
    source = text_of("src", "metrics", "*.c")
    names = set(re.findall(r'PREFIX "(\w+)"', source)) | set(re.findall(r'"(process_\w+)"', source))
    page = pages.read("docs/operations.md")
    assert len(names) > 25 and [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_what_looks_like_json_is_json():
    found = [(path, text) for path in pages.paths() for _, text in pages.blocks(path, "json")]
    assert len(found) > 5
    for path, text in found:
        try:
            json.loads(text)
        except ValueError as error:
            raise AssertionError(f"{pages.name(path)}: {error}:\n{text}") from error


def test_pictures_are_as_their_script_draws_them():
    script = os.path.join(ROOT, "docs", "pictures", "draw.py")
    subprocess.run([sys.executable, "-B", script, "--check"], check=True, timeout=60)
