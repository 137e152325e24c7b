#!/usr/bin/env python3
"""Draws the pictures of the pages as SVG, beside itself. With --check it says whether they are as it would draw them."""

import os
import sys
from html import escape

HERE = os.path.dirname(os.path.abspath(__file__))
INK, PALE, LINE = "#1f2933", "#52606d", "#7b8794"
FILLS = {"server": "#e3f0fb", "thread": "#fff4d6", "out": "#e2f5e6", "plain": "#ffffff", "warn": "#fde8e8", "band": "#f4f6f8"}
EDGES = {"server": "#2f6fab", "thread": "#b7791f", "out": "#2f855a", "plain": LINE, "warn": "#c53030", "band": "#dde3e9"}


class Picture:
    def __init__(self, name, width, height, title):
        self.name, self.size, self.title = name, (width, height), title
        self.parts = []

    def add(self, part):
        self.parts.append(part)

    def text(self, x, y, words, size=13, anchor="middle", color=INK, bold=False):
        weight = ' font-weight="600"' if bold else ""
        self.add(f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{color}"{weight}>{escape(words)}</text>')

    def lines(self, x, y, lines, **how):
        """Lines of text, centred about y; the first is bold if there are more."""
        top = y - (len(lines) - 1) * 8.5 + 4.5
        for i, words in enumerate(lines):
            first = i == 0 and len(lines) > 1
            self.text(x, top + i * 17, words, bold=first, color=INK if i == 0 else PALE, size=13 if i == 0 else 12, **how)

    def box(self, x, y, width, height, kind, *lines, round_by=8):
        self.add(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{round_by}" fill="{FILLS[kind]}"'
                 f' stroke="{EDGES[kind]}" stroke-width="1.5"/>')
        if lines:
            self.lines(x + width / 2, y + height / 2, lines)

    def arrow(self, points, words="", at=None, dashed=False, color=LINE, anchor="middle"):
        """Along the points; `words` stand at `at`, or above the middle of the first part."""
        path = "M " + " L ".join(f"{x} {y}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        head = {"#c53030": "red", "#2f855a": "green", "#2f6fab": "blue"}.get(color, "grey")
        self.add(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.6"{dash} marker-end="url(#{head})"/>')
        if words:
            (x1, y1), (x2, y2) = points[0], points[1]
            x, y = at or ((x1 + x2) / 2, (y1 + y2) / 2 - 7)
            self.text(x, y, words, size=12, color=PALE, anchor=anchor)

    def line(self, x1, y1, x2, y2, color=LINE, dashed=False, width=1.6):
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.add(f'<path d="M {x1} {y1} L {x2} {y2}" stroke="{color}" stroke-width="{width}"{dash}/>')

    def svg(self):
        width, height = self.size
        heads = "".join(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
            f'<path d="M 0 0.8 L 9.5 5 L 0 9.2 z" fill="{color}"/></marker>'
            for name, color in (("grey", LINE), ("red", "#c53030"), ("green", "#2f855a"), ("blue", "#2f6fab")))
        body = "\n".join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
                f' role="img" font-family="Helvetica, Arial, sans-serif">\n<title>{escape(self.title)}</title>\n'
                f'<defs>{heads}</defs>\n<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n')


def overview():
    p = Picture("overview", 890, 270, "source-postgres between a PostgreSQL database and those who take its records")
    p.box(20, 30, 220, 210, "band")
    p.text(130, 54, "PostgreSQL", bold=True)
    p.box(45, 72, 170, 58, "server", "tables", "rows that are there")
    p.box(45, 158, 170, 58, "server", "WAL", "every change")
    p.box(380, 85, 180, 100, "thread", "source-postgres", "rows and changes", "in one exact sequence")
    p.arrow([(215, 101), (375, 120)], "SELECT, in chunks", at=(308, 98))
    p.arrow([(215, 187), (375, 150)], "logical replication", at=(308, 192))
    for i, (name, what) in enumerate((("Airbyte", "source connector"), ("Estuary Flow", "capture connector"),
                                      ("standard output", "JSON lines"), ("files", "each record exactly once"))):
        y = 20 + i * 60
        p.box(680, y, 190, 48, "out", name, what)
        p.arrow([(560, 115 + i * 13), (675, y + 24)])
    p.text(588, 46, "records and states", size=12, color=PALE)
    return p


def pipeline():
    p = Picture("pipeline", 900, 460, "The threads of a capture, and the rings between them")
    p.box(20, 20, 190, 385, "band")
    p.text(115, 44, "PostgreSQL server", bold=True)
    p.box(38, 62, 154, 52, "server", "WAL")
    p.box(38, 170, 154, 52, "server", "watermarks table")
    p.box(38, 252, 154, 52, "server", "rows")
    p.box(38, 334, 154, 52, "server", "catalogs, key order")
    p.box(330, 62, 130, 52, "thread", "reader", "one")
    p.box(342, 178, 130, 52, "thread")
    p.box(336, 174, 130, 52, "thread")
    p.box(330, 170, 130, 52, "thread", "backfill", "1 … n workers")
    p.box(330, 334, 130, 52, "thread", "service", "one")
    p.box(560, 110, 120, 64, "thread", "merger", "merges both")
    p.box(750, 110, 130, 64, "thread", "emitter", "makes JSON")
    p.arrow([(192, 88), (326, 88)], "replication", at=(262, 80))
    p.arrow([(192, 278), (395, 278), (395, 226)], "chunk queries", at=(262, 270))
    p.arrow([(330, 196), (196, 196)], "UUID of the chunk", at=(269, 188), color="#2f6fab")
    p.arrow([(115, 170), (115, 118)], "is written", at=(124, 146), dashed=True, color="#2f6fab", anchor="start")
    p.arrow([(192, 360), (326, 360)], "queries", at=(262, 352))
    p.arrow([(460, 88), (510, 88), (556, 128)], "changes", at=(500, 80))
    p.arrow([(478, 196), (515, 196), (556, 158)], "chunks", at=(528, 216))
    p.arrow([(680, 142), (746, 142)], "ring", at=(712, 134))
    p.arrow([(600, 174), (600, 350), (464, 350)], "questions", at=(540, 342))
    p.arrow([(460, 372), (640, 372), (640, 178)], "answers", at=(540, 390))
    p.arrow([(815, 110), (815, 48)])
    p.text(815, 38, "stdout, files", bold=True)
    p.arrow([(815, 174), (815, 424), (496, 424), (496, 104), (464, 104)], dashed=True, color="#2f855a")
    p.arrow([(496, 216), (476, 216)], dashed=True, color="#2f855a")
    p.text(655, 444, "empty batches travel back to the thread that fills them", size=12, color="#2f855a")
    p.text(20, 444, "Each yellow box is a thread. Each arrow between threads is a bounded ring.", size=12, anchor="start", color=PALE)
    return p


def chunk():
    p = Picture("chunk", 900, 430, "A chunk meets its watermark")
    p.text(20, 30, "time →", anchor="start", color=PALE, size=12)
    p.text(20, 84, "Backfill worker", anchor="start", bold=True)
    p.text(20, 194, "Stream of changes", anchor="start", bold=True)
    p.text(20, 330, "Merger", anchor="start", bold=True)
    p.line(170, 205, 880, 205)
    p.box(190, 55, 130, 50, "thread", "SELECT a chunk", "keys 11 … 20")
    p.box(350, 55, 120, 50, "server", "watermark W", "is written")
    p.line(200, 105, 200, 392, dashed=True, color="#b7791f")
    p.text(206, 124, "snapshot of the chunk", size=12, anchor="start", color="#b7791f")
    changes = ((230, "update 5", "plain"), (345, "update 15", "plain"), (460, "delete 12", "plain"), (575, "insert 25", "plain"))
    for x, words, kind in changes:
        p.box(x, 180, 96, 50, kind, words)
    p.box(683, 180, 114, 50, "server", "watermark W", "comes by")
    p.arrow([(410, 105), (410, 142), (740, 142), (740, 176)], "through the WAL", at=(575, 135), color="#2f6fab", dashed=True)
    below = ((278, ("row is written:", "passed on"), "out"), (393, ("in the chunk:", "merged into it"), "thread"),
             (508, ("in the chunk:", "row removed"), "thread"), (623, ("beyond it:", "buffered"), "band"))
    for x, words, kind in below:
        p.arrow([(x, 230), (x, 286)])
        p.box(x - 52, 290, 104, 48, kind)
        for i, one in enumerate(words):
            p.text(x, 310 + i * 17, one, size=12)
    p.box(204, 360, 482, 30, "thread", "the chunk waits in the merger", round_by=4)
    p.arrow([(740, 230), (740, 286)])
    p.box(686, 290, 108, 48, "out")
    p.text(740, 310, "chunk is", size=12)
    p.text(740, 327, "written", size=12)
    p.arrow([(686, 375), (740, 375), (740, 342)])
    p.box(812, 290, 76, 48, "out")
    p.text(850, 310, "checkpoint", size=12)
    p.text(850, 327, "may follow", size=12)
    p.arrow([(794, 314), (809, 314)])
    p.text(20, 418, "When W comes by, the stream has passed every change that the chunk's snapshot contains.", size=12, anchor="start", color=PALE)
    return p


def table():
    p = Picture("table", 900, 330, "A table's life")
    p.box(30, 60, 200, 84, "out", "LIVES", "rows are read, then", "changes are captured")
    p.box(430, 60, 190, 84, "thread", "LOST", "changes are skipped,", "chunks are dropped")
    p.box(738, 60, 150, 84, "warn", "AWAY", "nothing is captured", "until it is back")
    p.arrow([(230, 82), (426, 82)], "it is not what it was", at=(328, 74))
    p.arrow([(426, 124), (234, 124)], "described again, and begun", at=(330, 142), color="#2f855a")
    p.arrow([(620, 82), (734, 82)], "gone, unlogged", at=(677, 56))
    p.text(677, 72, "or not published", size=12, color=PALE)
    p.arrow([(734, 124), (624, 124)], "it is back", at=(679, 142), color="#2f855a")
    p.arrow([(90, 144), (90, 196), (170, 196), (170, 148)])
    p.text(130, 214, "columns come and go,", size=12, color=PALE)
    p.text(130, 230, "partitions come and go", size=12, color=PALE)
    p.box(330, 200, 390, 96, "band")
    p.text(525, 222, "What is lost begins another life:", bold=True)
    p.text(525, 243, "its rows come again as creates, changes from before", size=12, color=PALE)
    p.text(525, 260, "are skipped, rows that are gone get no deletes.", size=12, color=PALE)
    p.text(525, 282, "The other tables go on meanwhile.", size=12, color=PALE)
    p.line(525, 144, 525, 200, dashed=True)
    p.text(130, 40, "start of the capture", size=12, color=PALE)
    p.arrow([(130, 44), (130, 58)])
    return p


def main():
    stale = []
    for picture in (overview(), pipeline(), chunk(), table()):
        path = os.path.join(HERE, f"{picture.name}.svg")
        if sys.argv[1:] == ["--check"]:
            with open(path, encoding="utf-8") as file:
                stale += [path] if file.read() != picture.svg() else []
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(picture.svg())
    return f"not as drawn: {', '.join(stale)}" if stale else 0


if __name__ == "__main__":
    sys.exit(main())
