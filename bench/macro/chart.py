"""Charts of bars: one group a subject, a bar for each reader. What is drawn of a result, and beside what, is a Measure.

Colours follow the reader's theme: an SVG that is shown as an image still knows prefers-color-scheme.
"""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 900, 250, 150
BAR, GAP, GROUP_GAP, HEAD = 15, 3, 20, 64
FAMILIES = {"backfill": ("Backfill", "psql COPY text to /dev/null"),
            "replication": ("Replication", "pg_recvlogical (pgoutput) to /dev/null")}
SUBJECTS = {"backfill.narrow": "narrow rows", "backfill.wide": "wide rows", "backfill.toast": "200 kB values",
            "backfill.many": "many small tables", "backfill.tiny": "tables of ten rows",
            "replication.A": "A: 100 inserts a txn",
            "replication.B1": "B1: 1 update a txn", "replication.B2": "B2: 100 updates a txn",
            "replication.C": "C: one large txn", "replication.D": "D: wide inserts", "replication.E": "E: wide updates",
            "backfill.own": "your tables", "replication.own": "your changes", "backfill.tpch": "TPC-H's tables",
            "backfill.users": "users", "replication.users": "users, one large txn", "backfill.cart": "carts of 600 bytes",
            "replication.cart": "carts, 10,000 a txn", "replication.tpcc": "like TPC-C"}
TRANSPORTS = {"tcp": "TCP loopback", "tls": "TLS loopback", "socket": "Unix socket", "own": "the database's address"}
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 } .quiet { fill: #656d76 }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
  .limit { fill: #afb8c1 } .own { fill: #1f6feb } .more { fill: #8250df } .line { stroke: #656d76; stroke-dasharray: 3 3 }
  .consumer { fill: #d4a72c } .curve { fill: none; stroke-width: 1.5 } .axis { stroke: #d0d7de }
  .c0 { stroke: #1f6feb } .c1 { stroke: #8250df } .c2 { stroke: #bf8700 } .c3 { stroke: #1a7f37 } .worst { stroke-opacity: 0.35 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .value { stroke: #0d1117 }
    .limit { fill: #59636e } .own { fill: #4493f8 } .more { fill: #ab7df8 } .line { stroke: #9198a1 } .axis { stroke: #3d444d }
  }
"""


class Measure:
    """`parts(result, limit)` are the lengths of a bar's pieces, the limit's own being 1 where there is a `line`; `label` what stands beside it."""

    def __init__(self, title, note, line, parts, label):
        self.title, self.note, self.line, self.parts, self.label = title, note, line, parts, label


def cpu_parts(result, limit):
    base = limit["cpu_s_per_million"] or 1
    return [result["cpu_s_per_million"] / base, result.get("consumer_cpu_s_per_million", 0) / base]


RATE = Measure("rate", "longer is faster, the dashed line is", True, lambda result, _: [result["ratio"]],
               lambda result: (f"{result['ratio']:.2f}×", f"({short(result['per_second'])}/s)"))
CPU = Measure("CPU of the client", "shorter is better, yellow is what the reader of its output takes; the dashed line is", True, cpu_parts,
              lambda result: (f"{result['cpu_s_per_million'] + result.get('consumer_cpu_s_per_million', 0):.2f} s", "a million"))
MEMORY = Measure("peak memory of the client", "shorter is better; MiB", False, lambda result, _: [result["peak_mib"]],
                 lambda result: (f"{result['peak_mib']:.0f} MiB", ""))


def over(transport):
    base, _, delay = transport.partition("+")
    return TRANSPORTS[base] + (f", {delay.removesuffix('ms')} ms" if delay else "")


def shown_transports(results):
    """The Unix socket is drawn only where there is nothing else."""
    found = dict.fromkeys(each["transport"] for each in results if "ratio" in each)
    return [each for each in found if each != "socket"] or list(found)


def draw(results, measure):
    body, y = [], 0
    for family in FAMILIES:
        for transport in shown_transports(results):
            own = [each for each in results if "ratio" in each and each["transport"] == transport and each["subject"].startswith(family)]
            if own:
                panel, y = draw_panel(measure, family, transport, own, y)
                body += panel
    return svg(body, y or HEAD, measure.title)


def svg(body, height, label):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
                      f' aria-label="{escape(label)}">', f"<style>{STYLE}</style>", *body, "</svg>", ""])


def draw_panel(measure, family, transport, results, y):
    name, limit_name = FAMILIES[family]
    limits = {}
    for each in results:
        limits.setdefault(each["subject"], each)
    parts = [measure.parts(each, limits[each["subject"]]) for each in results]
    unit = (WIDTH - LEFT - RIGHT) / max(1.0, *map(sum, parts))
    note = f"over {over(transport)}; {measure.note}{' ' + limit_name if measure.line else ''}"
    body = [f'<text class="title" x="8" y="{y + 24}">{name}: {escape(measure.title)}</text>',
            f'<text class="quiet" x="8" y="{y + 42}">{escape(note)}</text>']
    values = []  # above the line
    top = y = y + HEAD
    for subject in limits:
        body.append(f'<text class="title" x="8" y="{y}">{escape(SUBJECTS.get(subject, subject))}</text>')
        y += 8
        for each, lengths in zip(results, parts):
            if each["subject"] == subject:
                bar, value = draw_bar(each, [length * unit for length in lengths], measure.label(each), y)
                body += bar
                values.append(value)
                y += BAR + GAP
        y += GROUP_GAP
    if measure.line:
        body.append(f'<line class="line" x1="{LEFT + unit:.0f}" x2="{LEFT + unit:.0f}" y1="{top}" y2="{y - GROUP_GAP}"/>')
    return body + values, y


def draw_bar(result, lengths, label, y):
    reader = result["reader"]
    colour = "limit" if reader.startswith(("psql", "pg_recvlogical")) else "own" if reader.startswith("source-postgres") else "more"
    middle, x = y + BAR - 3, LEFT
    body = [f'<text class="quiet" x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(reader)}</text>']
    for length, shade in zip(lengths, (colour, "consumer")):
        if length > 0:
            body.append(f'<rect class="{shade}" x="{x:.1f}" y="{y}" width="{max(1, length):.1f}" height="{BAR}" rx="2"/>')
        x += length
    return body, f'<text class="value" x="{x + 6:.1f}" y="{middle}">{label[0]} <tspan class="quiet">{label[1]}</tspan></text>'


def short(number):
    return f"{number / 1e6:.2f}M" if number >= 1e6 else f"{number / 1e3:.0f}k" if number >= 1e4 else f"{number:,}"
