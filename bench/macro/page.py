"""The results as one page for a browser: the charts, and the tables of the Markdown text."""

from html import escape

STYLE = """
body { font: 14px system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } th, td { border-bottom: 1px solid #8884; padding: 2px 8px; text-align: left }
td:nth-child(n+3) { text-align: right; font-variant-numeric: tabular-nums } :root { color-scheme: light dark }
"""


def html(text, charts):
    """`text` is what report.markdown makes: paragraphs, headings of the third level and tables."""
    body, table = [], []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            table.append(line)
            continue
        if table:
            body += rows(table)
            table = []
        if line.startswith("### "):
            body.append(f"<h3>{escape(line[4:])}</h3>")
        elif line:
            body.append(f"<p>{escape(line)}</p>")
    return "\n".join(['<!doctype html><html lang="en"><meta charset="utf-8"><title>source-postgres: measured</title>',
                      f"<style>{STYLE}</style><h1>source-postgres: measured</h1>", body[0], *charts, *body[1:], "</html>", ""])


def rows(lines):
    """The second line of a table is its rule."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:1] + lines[2:]]
    tagged = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in zip(["th"] + ["td"] * len(cells), cells)]
    return ["<table>", *(f"<tr>{row}</tr>" for row in tagged), "</table>"]
