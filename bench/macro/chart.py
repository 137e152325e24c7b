"""The chart of rates: one group of bars a subject, each bar as long as its rate beside the limit's.

Colours follow the reader's theme: an SVG that is shown as an image still knows prefers-color-scheme.
"""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 900, 250, 150
BAR, GAP, GROUP_GAP, HEAD = 15, 3, 20, 64
TITLES = {"backfill": "Backfill: rate beside psql COPY text to /dev/null",
          "replication": "Replication: rate beside pg_recvlogical (pgoutput) to /dev/null"}
SUBJECTS = {"backfill.narrow": "narrow rows", "backfill.wide": "wide rows", "backfill.toast": "200 kB values",
            "backfill.many": "many small tables", "replication.A": "A: 100 inserts a txn",
            "replication.B1": "B1: 1 update a txn", "replication.B2": "B2: 100 updates a txn",
            "replication.C": "C: one large txn", "replication.D": "D: wide inserts", "replication.E": "E: wide updates"}
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 } .quiet { fill: #656d76 }
  .limit { fill: #afb8c1 } .own { fill: #1f6feb } .more { fill: #8250df } .line { stroke: #656d76; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .limit { fill: #59636e } .own { fill: #4493f8 } .more { fill: #ab7df8 } .line { stroke: #9198a1 }
  }
"""


def draw(results):
    transport = next((each["transport"] for each in results if "ratio" in each), "tcp")
    rates = [each for each in results if "ratio" in each and each["transport"] == transport]
    body, y = [], 0
    for family, title in TITLES.items():
        own = [each for each in rates if each["subject"].startswith(family)]
        if own:
            panel, y = draw_panel(title, transport, own, y)
            body += panel
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y or HEAD}" role="img"'
                      ' aria-label="Rates beside the limits">', f"<style>{STYLE}</style>", *body, "</svg>", ""])


def draw_panel(title, transport, results, y):
    longest = max(1.0, *(each["ratio"] for each in results))
    unit = (WIDTH - LEFT - RIGHT) / longest
    over = "TCP loopback" if transport == "tcp" else "a Unix socket"
    body = [f'<text class="title" x="8" y="{y + 24}">{escape(title)}</text>',
            f'<text class="quiet" x="8" y="{y + 42}">over {over}; longer is faster, the dashed line is the limit</text>']
    top = y = y + HEAD
    for subject in dict.fromkeys(each["subject"] for each in results):
        body.append(f'<text class="title" x="8" y="{y}">{escape(SUBJECTS.get(subject, subject))}</text>')
        y += 8
        for each in (each for each in results if each["subject"] == subject):
            body += draw_bar(each, y, unit)
            y += BAR + GAP
        y += GROUP_GAP
    body.append(f'<line class="line" x1="{LEFT + unit:.0f}" x2="{LEFT + unit:.0f}" y1="{top}" y2="{y - GROUP_GAP}"/>')
    return body, y


def draw_bar(result, y, unit):
    reader = result["reader"]
    colour = "limit" if reader.startswith(("psql", "pg_recvlogical")) else "own" if reader.startswith("source-postgres") else "more"
    length, middle = max(1, result["ratio"] * unit), y + BAR - 3
    return [f'<text class="quiet" x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(reader)}</text>',
            f'<rect class="{colour}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{middle}">{result["ratio"]:.2f} × '
            f'<tspan class="quiet">{short(result["per_second"])}/s</tspan></text>']


def short(number):
    return f"{number / 1e6:.2f}M" if number >= 1e6 else f"{number / 1e3:.0f}k" if number >= 1e4 else f"{number:,}"
