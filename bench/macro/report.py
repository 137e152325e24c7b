"""What was measured, as JSON, as Markdown tables and as a chart."""

import json
import os

import chart

LOOK = ", Airbyte look"
TRANSPORT_NAMES = {"tcp": "TCP loopback", "socket": "Unix socket"}


def write(directory, bench):
    content = {"machine": bench.machine(), "scale": bench.scale, "rounds": bench.rounds, "results": bench.results}
    save(directory, "results.json", json.dumps(content, indent=1) + "\n")
    save(directory, "results.md", markdown(content))
    save(directory, "chart.svg", chart.draw(bench.results))


def save(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def markdown(content):
    machine = content["machine"]
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}, "
             f"PostgreSQL {machine['postgresql']}, fsync {machine['fsync']}, warm cache; scale {content['scale']:g}, "
             f"medians of {content['rounds']} rounds in turn.", ""]
    rates = [each for each in content["results"] if "ratio" in each]
    for subject in dict.fromkeys(each["subject"] for each in rates):
        lines += rate_table(subject, [each for each in rates if each["subject"] == subject])
    lines += latency_table([each for each in content["results"] if each["subject"] == "latency"])
    lines += [f"Idle: {each['reader']} takes {each['cpu_percent']} % of a core."
              for each in content["results"] if each["subject"] == "idle"]
    return "\n".join(lines).rstrip() + "\n"


def rate_table(subject, results):
    lines = [f"### {subject}, {results[0]['units']:,} rows", "",
             "| over | reader | a second | ratio | seconds | client CPU-s a million | its consumer's | peak MiB |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    for each in results:
        consumer = each.get("consumer_cpu_s_per_million")
        lines.append(f"| {TRANSPORT_NAMES[each['transport']]} | {each['reader']} | {each['per_second']:,} | {each['ratio']:.2f} "
                     f"| {each['wall_s']:.2f} | {each['cpu_s_per_million']:.2f} "
                     f"| {'' if consumer is None else f'{consumer:.2f}'} | {each['peak_mib']:.0f} |")
    return [*lines, "", *look_lines(results)]


def look_lines(results):
    """What the Airbyte look costs beside the plain one of the same reader."""
    cpu = {(each["transport"], each["reader"]): each["cpu_s_per_million"] for each in results}
    found = [(transport, reader, value, cpu.get((transport, reader.removesuffix(LOOK))))
             for (transport, reader), value in cpu.items() if reader.endswith(LOOK)]
    lines = [f"Over {TRANSPORT_NAMES[transport]}: the Airbyte look takes {100 * (value / plain - 1):+.0f} % CPU a row "
             f"({reader.removesuffix(LOOK)}: {1000 * plain:.0f} ns, {1000 * value:.0f} ns)."
             for transport, reader, value, plain in found if plain]
    return [*lines, ""] if lines else []


def latency_table(results):
    if not results:
        return []
    lines = ["### From commit to standard output", "",
             "| reader | changes a transaction | most a second | load a second | p50 ms | p99 ms | p99.9 ms |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for each in results:
        lines.append(f"| {each['reader']} | {each['per_transaction']} | {each['most_per_second']:,} | {each['load_per_second']:,} "
                     f"| {each['p50_ms']:.2f} | {each['p99_ms']:.2f} | {each['p999_ms']:.2f} |")
    return [*lines, ""]
