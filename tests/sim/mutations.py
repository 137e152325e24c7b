#!/usr/bin/env python3
"""Breaks the connector in one place after the other, and checks that the simulation finds each.

    tests/sim/mutations.py [WORD ...]     those whose names have a word in them; all without one
    tests/sim/mutations.py --dry-run      only check that the places are there

Works on a copy, and says after how many steps each was found. Exit 1: one was not, within SECONDS.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = os.environ.get("SECONDS_EACH", "60")

MUTATIONS = [  # name, file, text, what it becomes
    ("a chunk does not wait for its watermark", "src/merge/rows.c",
     "bool may = waiting->arrived || has_passed(m, waiting);", "bool may = true;"),
    ("a chunk waits for a position that comes before its snapshot", "src/merge/rows.c",
     "return waiting->seen_lsn && waiting->seen_lsn <= m->position;",
     "return waiting->seen_lsn && waiting->seen_lsn <= m->position + 100;"),
    ("a buffered delete is forgotten", "src/merge/by_key.c",
     "buffered_add(&range->buffered, change);",
     "if (change->kind != CHANGE_DELETE) { buffered_add(&range->buffered, change); }"),
    ("a buffered TRUNCATE is forgotten", "src/merge/by_key.c",
     "buffered_add(&range->buffered, change);",
     "if (change->kind != CHANGE_TRUNCATE) { buffered_add(&range->buffered, change); }"),
    ("a TRUNCATE empties what changes after it have put into a chunk", "src/merge/by_key.c",
     "for (size_t i = 0; ok && i < buffered->count; i++) {\n        struct change *change = &buffered->changes[i];",
     "for (size_t n = buffered->count; ok && n-- > 0;) {\n        size_t i = n;\n        struct change *change = &buffered->changes[i];"),
    ("a transaction in doubt counts as seen", "src/row/snapshot.c",
     "if (snapshot->xip[i] == id) {", "if (snapshot->xip[i] == id + 1) {"),
    ("a state does not list the transactions in doubt", "src/merge/progress.c",
     "checkpoint->in_doubt_count = m->in_doubt_count;", "checkpoint->in_doubt_count = 0;"),
    ("a state counts a chunk that waits as out", "src/merge/stream.c",
     "if (interval->state == INTERVAL_OUT) {\n            continue;",
     "if (interval->state != INTERVAL_AHEAD) {\n            continue;"),
    ("a state's cursor is one commit ahead", "src/merge/progress.c",
     "checkpoint->cursor = m->cursor;", "checkpoint->cursor = m->cursor + 40;"),
    ("a row that moves away stays where it was", "src/merge/by_key.c",
     "!absorb(m, s, from, &delete, &old_absorbed, err)", "!(old_absorbed = from->state != INTERVAL_OUT, true)"),
    ("in ctid order a row comes after its change", "src/merge/by_ctid.c",
     "latest_put(&s->ranges[0].latest, &change);", ""),
    ("rows of an earlier life are taken", "src/merge/rows.c",
     "s->status != STATUS_LIVES || s->life != (*batch)->life", "s->status != STATUS_LIVES"),
    ("a stream that is ahead of the others does not skip", "src/merge/stream.h",
     "s->status != STATUS_LIVES || final_lsn < s->cursor", "s->status != STATUS_LIVES"),
    ("a state describes a life that has not begun", "src/merge/stream.c",
     "return s->config->airbyte_look && s->pending && s->cursor > position;", "return (void)s, (void)position, false;"),
    ("events that are sent again after a reconnect are printed again", "src/engine/handed.c",
     "        r->batch->event_count = before;\n", ""),
    ("a released row has the cursor of the change before it", "include/row/cursor.h",
     "return *last = *last >= at ? *last + 1 : at;", "return *last;"),
    ("a shape is freed while changes in it are kept", "src/merge/shapes.c",
     "return relation->stream >= 0 && m->streams[relation->stream].pending > 0;", "return (void)m, (void)relation, false;"),
    ("a state forgets one of its streams' ranges", "src/state/write.c",
     "for (int i = 0; i < state->range_count; i++) {\n            out_string(out, i ? \",\" : \"\");",
     "for (int i = 0; i < state->range_count - (state->range_count > 2); i++) {\n"
     "            out_string(out, i ? \",\" : \"\");"),
]


def run(command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


def build(tree):
    run(["cmake", "--build", tree / "build", "-j", "2", "--target", "sim"])


def copied():
    tree = pathlib.Path(tempfile.mkdtemp(prefix="sim-mutations-"))
    shutil.copytree(ROOT, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build*", ".git"))
    run(["cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DCMAKE_C_FLAGS=-w"])
    build(tree)
    return tree


def broken(path, text, instead):
    whole = path.read_text()
    assert whole.count(text) == 1, f"{path} has not one {text!r}"
    return whole.replace(text, instead)


def steps_to_find(tree, file, text, instead):
    path = tree / file
    whole = path.read_text()
    path.write_text(broken(path, text, instead))
    try:
        build(tree)
        ran = subprocess.run([tree / "build/tests/sim"], capture_output=True, text=True,
                             env={**os.environ, "SIM_SEED": "1", "SIM_SECONDS": SECONDS})
    finally:
        path.write_text(whole)
    found = re.search(r"sim: (.*)\nsim: SIM_SEED=(\d+) fails after (\d+) steps", ran.stdout)
    lines = ran.stdout.count("\n")
    return found and f"{int(found[3]):7} steps, made small to {lines} lines: {found[1]}"


def main(words):
    if words == ["--dry-run"]:
        for _, file, text, instead in MUTATIONS:
            broken(ROOT / file, text, instead)
        return 0
    tree = copied()
    missed = 0
    try:
        for name, file, text, instead in MUTATIONS:
            if words and not any(word in name for word in words):
                continue
            found = steps_to_find(tree, file, text, instead)
            missed += not found
            print(f"{name}: {found or 'NOT FOUND'}", flush=True)
    finally:
        shutil.rmtree(tree)
    return missed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
