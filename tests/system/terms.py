"""The program terms_judge: which terms of a table the connector reads, and its verdict on what happened to the
table."""

import json
import os
import subprocess

from connector import executable


def program():
    return os.path.join(os.path.dirname(executable()), os.pardir, "tests", "terms_judge")


class Terms:
    """Of one table, by its key; use it in a `with` statement. Its first look is taken at once."""

    def __init__(self, database, path, table="t", key=("id",), **changes):
        config = os.path.join(path, "terms.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(database.config(**changes), file)
        self.process = subprocess.Popen([program(), config, "public", table, *key], text=True, encoding="utf-8",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.first = self.look()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = dict(line.rstrip("\n").split("\t", 1) for line in iter(self.process.stdout.readline, "\n") if line or self.died())
        return answer

    def died(self):
        raise AssertionError(f"terms_judge ended: {self.process.stderr.read()}")

    def look(self):
        """Read the terms, and remember them as those that later ones are judged by."""
        return self.ask("look")

    def judge(self, use="active"):
        """(change, why) since the last look."""
        answer = self.ask(f"judge {use}")
        return answer["change"], answer["why"]
