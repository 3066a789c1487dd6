"""A dot per subset of the reference photos: error against size, coloured by diversity, the layout of Figure 7(a).

Options: ``metric``, the error; ``colour``, the metric of the colour; ``label`` of the axis; ``method``, the
row, where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import MARKERS, log_ticks, plain
from reports.runs import Run

FACES = False


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    names = {metric.name: metric.label for metric in run.suite.metrics}
    jobs = run.by_job([options["metric"], options["colour"]]).dropna()
    jobs = jobs[jobs["method"] == options.get("method", jobs["method"])]
    if jobs.empty:
        return None
    figure = Figure(figsize=(3.4, 2.5), layout="constrained")
    panel = figure.subplots()
    scale = {"vmin": jobs[options["colour"]].min(), "vmax": jobs[options["colour"]].max(), "cmap": "viridis"}
    for marker, (person, mine) in zip(MARKERS * 2, jobs.groupby("person"), strict=False):
        means = mine.groupby("level")[options["metric"]].mean()
        panel.plot(means.index, means, color="0.7", lw=0.7, zorder=1)
        look = {"marker": marker, "s": 22, "edgecolors": "black", "linewidths": 0.4, "zorder": 2, "label": person}
        dots = panel.scatter(mine["level"], mine[options["metric"]], c=mine[options["colour"]], **look, **scale)
    log_ticks(panel, sorted(jobs["level"]))
    panel.set_xlabel(options["label"])
    panel.set_ylabel(names[options["metric"]])
    panel.legend(fontsize=6, frameon=False)
    plain(panel, "y")
    figure.colorbar(dots, ax=panel, label=names[options["colour"]])
    return Drawing(
        figure,
        "Lines join the means of a person.",
        f"Scatter plot: {names[options['metric']]} against {options['label']}, one marker per person.",
    )
