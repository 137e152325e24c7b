"""Each message of the program is explained in the pages on troubleshooting: it is found by its longest literal part in
the source."""

import glob
import os
import re

import pages

STRING = r'"(?:[^"\\\n]|\\.)*"'
COMMENT_OR_LITERAL = re.compile(rf"/\*.*?\*/|//[^\n]*|{STRING}|'(?:[^'\\]|\\.)+'", re.S)
ADJACENT = re.compile(rf"{STRING}(?:\s*(?:{STRING}|PRI\w+|[A-Z][A-Z_]+(?=\s*\")))*")
VALUE = re.compile(r"%[-0-9.*]*(?:ll|z|l|h)?[a-zA-Z]?|\{\w+\}|\\n")
WORDS = re.compile(r"[a-z]+(?:[,:;]? [a-z]+){2,}")  # three in a row make a message
# Queries, schemas, and lines that are drawn.
OTHER = re.compile(r"^\{\\\"|^\\033|SELECT .*FROM|pg_catalog|pg_[a-z]+\.|s\.wal_|^ *(AND|OR|WHERE|SET|CASE|ORDER|FROM|LEFT|JOIN|SELECT)\b")
LEAST = 14
# Descriptions of options, commands and metrics, and reports of success, are not messages to look up.
NOT_MESSAGES = {"src/main/help.c", "src/config/options.c", "src/config/groups.c", "src/config/tunnel_schema.c", "src/metrics/write.c",
                "src/commands/print.c", "src/discover/schema.c"}


def literals():
    """Each literal of the source with its place; a macro in between is a value."""
    for path in sorted(glob.glob(os.path.join(pages.ROOT, "src", "**", "*.[ch]"), recursive=True)):
        source = COMMENT_OR_LITERAL.sub(lambda one: "" if one[0][0] == "/" else one[0], pages.read(path))
        for one in ADJACENT.finditer(source):
            text = re.sub(rf"{STRING}|\w+|\s", lambda part: part[0][1:-1] if part[0][0] == '"' else "%s" if part[0].strip() else "", one[0])
            yield pages.name(path), text


def parts(text):
    return [part.replace('\\"', '"').replace("\\\\", "\\") for part in VALUE.split(text)]


def messages():
    """The longest literal part of each, by the place in the source."""
    found = {}
    for path, text in literals():
        longest = max(parts(text), key=len).strip(" ,;:.\"'()-")
        if path.endswith(".c") and WORDS.search(text) and len(longest) >= LEAST and not OTHER.search(text) and path not in NOT_MESSAGES:
            found[longest] = path
    return found


def explained():
    paths = [os.path.join(pages.ROOT, "docs", "troubleshooting.md"), *glob.glob(os.path.join(pages.ROOT, "docs", "messages", "*.md"))]
    return " ".join(" ".join(pages.read(path) for path in paths).replace("`", "").split())


def test_every_message_is_explained():
    known = messages()
    assert len(known) > 400
    page = explained()
    assert [f"{path}: {text}" for text, path in known.items() if " ".join(text.split()) not in page] == []


def windows(text):
    """Each three words in a row."""
    words = text.split()
    return [" ".join(words[i:i + 3]) for i in range(len(words) - 2)]


def test_no_message_is_explained_that_the_program_does_not_know():
    known = {one for _, text in literals() for part in parts(text) for one in windows(part)}
    unknown = []
    for path in glob.glob(os.path.join(pages.ROOT, "docs", "messages", "*.md")):
        for message in [one for row in pages.rows(path) for one in re.findall(r"`([^`]*)`", row[0])]:
            told = [one in known for part in message.split("…") for one in windows(part)]
            if sum(told) * 2 < len(told):  # where values stand in between, some are not of one literal
                unknown.append(f"{pages.name(path)}: {message}")
    assert unknown == []


def test_each_message_has_a_cause():
    for path in glob.glob(os.path.join(pages.ROOT, "docs", "messages", "*.md")):
        assert [row for row in pages.rows(path) if not row[1]] == [], pages.name(path)
