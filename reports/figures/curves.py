"""Each metric against the level of the condition, a line per method with its 95 % band: the layout of Figures 5 and 7.

Where a condition has levels of its own for each person, as a set of all photos has, its place is their mean.

Options: ``label`` of the axis; ``log``, its scale; ``mark``, a value with a vertical line; ``lines``, whether every
photo or anchor has a thin line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.analysis.statistics import jackknife_interval
from reports.figures import Drawing
from reports.figures.style import line, log_ticks, plain, wrap
from reports.runs import Run

FACES = False
WIDTH, COLUMNS = 1.75, 4  # inches, panels in a row


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    scored = run.scored.dropna(subset="level")
    scored = scored.assign(place=scored.groupby("condition")["level"].transform("mean"))
    metrics = [metric for metric in run.suite.metrics if (scored["metric"] == metric.name).any()]
    if not metrics:
        return None
    columns = min(COLUMNS, len(metrics))
    lines = -(-len(metrics) // columns)
    figure = Figure(figsize=(WIDTH * columns + 0.2, 1.5 * lines + 0.45), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    methods = [method for method in run.methods if (scored["method"] == method.name).any()]
    for panel, metric in zip(panels, metrics, strict=False):
        here = scored[scored["metric"] == metric.name]
        for style, method in enumerate(methods):
            mine = here[here["method"] == method.name]
            look = line(style)
            if options.get("lines"):
                for _, one in mine.groupby(["person", "image"]):
                    one = one.sort_values("level")
                    panel.plot(one["level"], one["value"], **look, lw=0.3, alpha=0.45)
            points = mine.groupby("place")
            means = points["value"].mean()
            if len(means) == 0:
                continue
            within = metric.range
            bands = [jackknife_interval(at["value"], at["person"], at["image"], within=within) for _, at in points]
            low, high = zip(*bands, strict=True)
            panel.fill_between(means.index, low, high, color=look["color"], alpha=0.13, lw=0)
            panel.plot(means.index, means, **look, lw=1.2, marker="o", ms=2, label=method.title)
        if options.get("mark") is not None:
            panel.axvline(options["mark"], color="0.6", lw=0.6)
        if options.get("log"):
            log_ticks(panel, sorted(here["place"].unique()))
        panel.set_title(wrap(metric.heading, 24), fontsize=7)
        panel.set_xlabel(options["label"])
        plain(panel, "both")
    for panel in panels[len(metrics) :]:
        panel.axis("off")
    keys = {title: handle for panel in panels for handle, title in zip(*panel.get_legend_handles_labels(), strict=True)}
    titles = list(keys)
    figure.legend(keys.values(), titles, loc="outside lower center", ncols=4, fontsize=6, frameon=False, handlelength=3)
    return Drawing(
        figure,
        "Mean over images with 95 % bands (jackknife over people).",
        f"Curves of {len(metrics)} metrics against {options['label']} for {', '.join(titles)}.",
    )
