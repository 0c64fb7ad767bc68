"""Tables (Markdown), charts (SVG) and samples (JSON) of what was measured."""

import json
import re
import statistics

from doors.figures import spread
from doors.sections import CPU, MESSAGES, P99, RATE


def markdown(results, heading):
    lines = [f"# {heading}", "", "## Bounds", ""]
    lines += ["Median of the rounds' ratios and its 95 % interval.", ""]
    lines += ["| line | claim | measured | bound | |", "| --- " * 5 + "|"]
    for bound in results.bounds:
        measured = spread(bound.values) if bound.values else "–"
        lines += [
            f"| {bound.line} | {bound.claim} | {measured} | {bound.limit} "
            f"| {bound.verdict} |"
        ]
    lines += ["", "## Measured", "", "Median of the rounds and its interval.", ""]
    for case, figures in results.samples.items():
        lines += table(case, figures)
    return "\n".join(lines)


def table(case, figures):
    names = sorted({name for each in figures.values() for name in each})
    lines = ["| " + " | ".join([case, *figures]) + " |"]
    lines += ["| --- " * (len(figures) + 1) + "|"]
    for name in names:
        cells = [
            spread(each[name]) if name in each else "–" for each in figures.values()
        ]
        lines += ["| " + " | ".join([name, *cells]) + " |"]
    return [*lines, ""]


def samples(results):
    bounds = [
        dict(line=each.line, claim=each.claim, values=each.values,
             limit=each.limit, verdict=each.verdict)
        for each in results.bounds
    ]
    return json.dumps(dict(samples=results.samples, bounds=bounds), indent=1)


def charts(results, folder):
    """False: without python3-matplotlib there are none."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot

    for mix in ("relay", "inbound"):
        for figure, name in ((CPU, "cpu"), (RATE, "rate"), (P99, "p99")):
            lines = by_connections(results, mix, figure)
            if lines:
                draw(pyplot, lines, f"{mix}: {figure}", folder / f"{mix}-{name}.svg")
    for case, figures in results.samples.items():
        if MESSAGES in figures:
            draw_bars(pyplot, figures[MESSAGES], case, folder / "postfix.svg")
    return True


def by_connections(results, mix, figure):
    """For each filter: medians by number of connections."""
    lines = {}
    for case, figures in results.samples.items():
        found = re.fullmatch(rf"{mix}, (\d+) connections", case)
        for name, values in figures.get(figure, {}).items() if found else ():
            points = lines.setdefault(name, ([], []))
            points[0].append(int(found[1]))
            points[1].append(statistics.median(values))
    return lines


def draw(pyplot, lines, title, path):
    picture, axes = pyplot.subplots(figsize=(7, 4))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    for name, (connections, values) in sorted(lines.items()):
        axes.plot(connections, values, marker="o", label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("connections")
    axes.set_title(title)
    axes.legend()
    picture.savefig(path, bbox_inches="tight")
    pyplot.close(picture)


def draw_bars(pyplot, values, title, path):
    picture, axes = pyplot.subplots(figsize=(7, 3))
    names = sorted(values)
    axes.barh(names, [statistics.median(values[name]) for name in names])
    axes.set_xlabel(MESSAGES)
    axes.set_title(title)
    picture.savefig(path, bbox_inches="tight")
    pyplot.close(picture)
