"""What the documents say can be looked up."""

import glob
import os
import re

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


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
