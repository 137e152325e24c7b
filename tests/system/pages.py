"""The pages of the documents: README.md and docs/*.md, taken apart."""

import glob
import os
import re

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.M | re.S)


def paths():
    return [os.path.join(ROOT, "README.md"), *sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True))]


def name(path):
    return os.path.relpath(path, ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blocks(path, *kinds):
    """The text of each fenced block whose first word is one of `kinds`, with the words after it."""
    found = [(one["info"].split(), one["text"]) for one in FENCE.finditer(read(path))]
    return [(info[1:], text) for info, text in found if info and info[0] in kinds]


def without_code(text):
    text = re.sub(r"^    .*$", "", FENCE.sub("", text), flags=re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path):
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", read(path)), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path):
    return re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", without_code(read(path)))


def rows(path):
    """The cells of each line of each table."""
    lines = [line for line in read(path).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
