"""The table as a figure: a panel per metric, a line per method, dots with intervals, open markers where published."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

from benchmarks.engine.records import ConditionRecord, RowRecord
from reports.figures import Drawing
from reports.figures.style import DPI, KINDS, PUBLISHED, wrap
from reports.runs import Run

FACES = False
COLUMNS = 7  # panels beside each other
LINES = 120  # at most, on a page of half a metre; beyond that the table says it better
NAMES = {"D": "diamond", "s": "square", "^": "triangle", "P": "cross", "v": "inverted triangle"}  # of markers


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    rows = run.summary.set_index(["condition", "method", "metric"])
    found = {key[:2] for key in rows.index}
    lines: list[tuple[ConditionRecord, RowRecord | None]] = []  # None for a heading
    for condition in run.suite.conditions:
        if condition.title:
            lines.append((condition, None))
        for method in run.methods:
            numbers = [run.suite.published_numbers(method.name, m.name, condition.name) for m in run.suite.metrics]
            if (condition.name, method.name) in found or any(numbers):
                lines.append((condition, method))
    metrics = [metric for metric in run.suite.metrics if rows.xs(metric.name, level="metric")["mean"].notna().any()]
    if not metrics or len(lines) > LINES:
        return None
    markers = dict(zip(dict.fromkeys(source.source for source in run.suite.published), cycle(NAMES), strict=False))
    columns, rows_of_panels = min(COLUMNS, len(metrics)), -(-len(metrics) // COLUMNS)
    size = (1.4 + 1.45 * columns, rows_of_panels * (0.8 + 0.17 * len(lines)))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(rows_of_panels, columns, sharey=True, squeeze=False).flat
    for panel in panels[len(metrics) :]:
        panel.axis("off")
    for panel, metric in zip(panels, metrics, strict=False):
        for y, (condition, row) in enumerate(lines):
            if row is None:
                continue
            for source, number in run.suite.published_numbers(row.name, metric.name, condition.name).items():
                panel.plot(number.mean, y, markers[source], ms=3.5, mfc="white", mec=PUBLISHED, mew=0.8, zorder=3)
            key = (condition.name, row.name, metric.name)
            if key in rows.index:
                cell, colour = rows.loc[key], KINDS[row.kind]
                panel.plot([cell["ci_low"], cell["ci_high"]], [y, y], color=colour, lw=1.2, solid_capstyle="round")
                panel.plot(cell["mean"], y, "o", ms=3, color=colour, zorder=4)
        panel.set_title(wrap(metric.heading), fontsize=7)
        panel.set_yticks(range(len(lines)), [(c if m is None else m).title for c, m in lines], fontsize=6)
        for label, (_, row) in zip(panel.get_yticklabels(), lines, strict=False):  # only the first of a row has them
            label.set_fontweight("bold" if row is None else "normal")
        panel.grid(axis="x", lw=0.3, color="0.85")
        panel.set_axisbelow(True)
        panel.tick_params(length=2, width=0.5)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(len(lines) - 0.5, -0.5)
    named = "; ".join(f"{NAMES[marker]}: {source}" for source, marker in markers.items())
    note = f" Open markers: published ({named})." if len(markers) > 1 else " Diamonds: published." * len(markers)
    return Drawing(
        figure,
        f"Mean of each metric with its 95 % interval. Grey: floors and ceiling.{note}",
        "Dot plot of the numbers in the table, one panel per metric.",
    )
