"""Curves over time: what a capture that keeps up lags, takes of a core, and holds in memory."""

from xml.sax.saxutils import escape

from chart import HEAD, WIDTH, over, svg

LEFT, RIGHT, HEIGHT, GAP = 60, 20, 110, 46
PANELS = (("lag", "From commit to standard output, ms: the median of each moment, and paler the worst", ("p50_ms", "max_ms")),
          ("cpu", "CPU, % of a core", ("cpu_percent",)), ("memory", "Memory, MiB", ("memory_mib",)))
COLOURS = 4


def name_of(result):
    return f"{result['reader']}, {result['per_transaction']} changes a transaction, {over(result['transport'])}"


def draw(results):
    """`results` of the latency; each has a `series`, a dictionary of moments by the figure's name."""
    body = ['<text class="title" x="8" y="24">At half of the changes that can be kept up with, over time</text>']
    y = HEAD
    for n, each in enumerate(results):
        body += [f'<line class="c{n % COLOURS}" x1="8" x2="28" y1="{y - 18}" y2="{y - 18}" stroke-width="3"/>',
                 f'<text x="34" y="{y - 14}">{escape(name_of(each))}</text>']
        y += 18
    for _, title, figures in PANELS:
        body += draw_panel(title, figures, results, y)
        y += HEIGHT + GAP
    return svg(body, y, "Lag, CPU and memory over time")


def draw_panel(title, figures, results, y):
    longest_s = max(max(each["series"]["second"]) for each in results)
    highest = max(max(each["series"][figure]) for each in results for figure in figures) or 1
    body = [f'<text class="quiet" x="8" y="{y}">{title}</text>']
    top, bottom = y + 10, y + 10 + HEIGHT
    for share in (0, 0.5, 1):
        at = bottom - share * HEIGHT
        body += [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>',
                 f'<text class="quiet" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{share * highest:.3g}</text>']
    body.append(f'<text class="quiet" x="{WIDTH - RIGHT}" y="{bottom + 14}" text-anchor="end">{longest_s:.3g} s</text>')
    for n, each in enumerate(results):
        for figure in figures:
            points = " ".join(f"{LEFT + (WIDTH - LEFT - RIGHT) * second / longest_s:.1f},{bottom - (bottom - top) * value / highest:.1f}"
                              for second, value in zip(each["series"]["second"], each["series"][figure]))
            body.append(f'<polyline class="curve c{n % COLOURS}{" worst" if figure == "max_ms" else ""}" points="{points}"/>')
    return body
