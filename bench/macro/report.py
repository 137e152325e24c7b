"""What was measured, as JSON, as Markdown tables, as charts, and all of it on one page for a browser."""

import json
import os

import chart
import page
import time_chart
from chart import over

LOOK = ", Airbyte look"


def write(directory, bench):
    scale = "a database of one's own" if bench.options.database else f"scale {bench.scale:g}"
    cache = "read once before" if bench.options.database else "warm cache"
    content = {"machine": bench.machine, "cache": cache, "scale": scale, "rounds": bench.rounds, "results": bench.results}
    text = markdown(content)
    print(text, end="")
    if not directory:
        return
    charts = draw(bench.results)
    save(directory, "results.json", json.dumps(content, indent=1) + "\n")
    first, _, rest = text.partition("\n")
    save(directory, "results.md", "\n".join([first, "", *(f"![{title}]({name})" for name, (title, _) in charts.items()), rest]))
    save(directory, "results.html", page.html(text, [svg for _, svg in charts.values()]))
    for name, (_, svg) in charts.items():
        save(directory, name, svg)


def draw(results):
    """{file: (title, SVG)}"""
    charts = {}
    if any("ratio" in each for each in results):
        charts = {"chart.svg": ("Rates", chart.draw(results, chart.RATE)), "cpu.svg": ("CPU", chart.draw(results, chart.CPU)),
                  "memory.svg": ("Memory", chart.draw(results, chart.MEMORY))}
    over_time = [each for each in results if each.get("series", {}).get("second")]
    if over_time:
        charts["time.svg"] = ("Lag, CPU and memory over time", time_chart.draw(over_time))
    return charts


def save(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def markdown(content):
    machine = content["machine"]
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}, "
             f"PostgreSQL {machine['postgresql']}, fsync {machine['fsync']}, {content['cache']}; {content['scale']}, "
             f"medians of {content['rounds']} rounds in turn; a ratio is the median of the ratios of the rounds.", ""]
    rates = [each for each in content["results"] if "ratio" in each]
    for subject in dict.fromkeys(each["subject"] for each in rates):
        lines += rate_table(subject, [each for each in rates if each["subject"] == subject])
    lines += latency_table([each for each in content["results"] if each["subject"] == "latency"])
    lines += idle_lines([each for each in content["results"] if each["subject"] == "idle"])
    lines += open_transaction_table([each for each in content["results"] if each["subject"] == "open_transaction"])
    return "\n".join(lines).rstrip() + "\n"


def rate_table(subject, results):
    lines = [f"### {subject}, {results[0]['units']:,} {results[0]['unit']}", "",
             "| over | reader | a second | ratio | seconds | client CPU-s a million | its consumer's | peak MiB |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    for each in results:
        consumer = each.get("consumer_cpu_s_per_million")
        lines.append(f"| {over(each['transport'])} | {each['reader']} | {each['per_second']:,} | {each['ratio']:.2f} "
                     f"| {each['wall_s']:.2f} | {each['cpu_s_per_million']:.2f} "
                     f"| {'' if consumer is None else f'{consumer:.2f}'} | {each['peak_mib']:.0f} |")
    return [*lines, "", *look_lines(results), *relay_lines(results)]


def look_lines(results):
    """What the Airbyte look costs beside the plain one of the same reader."""
    cpu = {(each["transport"], each["reader"]): each["cpu_s_per_million"] for each in results}
    found = [(transport, reader, value, cpu.get((transport, reader.removesuffix(LOOK))))
             for (transport, reader), value in cpu.items() if reader.endswith(LOOK)]
    lines = [f"Over {over(transport)}: the Airbyte look takes {100 * (value / plain - 1):+.0f} % CPU a row "
             f"({reader.removesuffix(LOOK)}: {1000 * plain:.0f} ns, {1000 * value:.0f} ns)."
             for transport, reader, value, plain in found if plain]
    return [*lines, ""] if lines else []


def relay_lines(results):
    cores = [each["relay_cores"] for each in results if "relay_cores" in each]
    return [f"The relay that delays took {max(cores):.2f} cores at most.", ""] if cores else []


def latency_table(results):
    if not results:
        return []
    lines = ["### From commit to standard output", "",
             "| over | reader | changes a transaction | most a second | load a second | p50 ms | p99 ms | p99.9 ms |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    for each in results:
        lines.append(f"| {over(each['transport'])} | {each['reader']} | {each['per_transaction']} "
                     f"| {each['most_per_second']:,} | {each['load_per_second']:,} "
                     f"| {each['p50_ms']:.2f} | {each['p99_ms']:.2f} | {each['p999_ms']:.2f} |")
    return [*lines, ""]


def idle_lines(results):
    lines = [f"Idle over {over(each['transport'])}: {each['reader']} takes {each['cpu_percent']} % of a core." for each in results]
    return [*lines, ""] if lines else []


def open_transaction_table(results):
    if not results:
        return []
    one = results[0]
    lines = [f"### One transaction of {one['records']:,} rows, sent while it is open or after its COMMIT", "",
             f"A session inserts the rows in {one['statements']} statements. It begins each when the server has gone through what the one before"
             " wrote. Then it commits. The seconds are from the return of the COMMIT until a record was read from the capture's standard output."
             f" The server sends what is larger than logical_decoding_work_mem, here {one['logical_decoding_work_mem_kib']:,} kB, while it is"
             " open, if the capture asks for it; the rest, which is smaller, it sends at the COMMIT, before the first record can come.", "",
             "| over | reader | first record, s after COMMIT | last record, s after COMMIT | records | peak MiB |",
             "|---|---|--:|--:|--:|--:|"]
    for each in results:
        lines.append(f"| {over(each['transport'])} | {each['reader']} | {each['first_s']:.3f} | {each['last_s']:.3f} "
                     f"| {each['records']:,} | {each['peak_mib']:.0f} |")
    return [*lines, ""]
