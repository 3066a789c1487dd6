"""One metric against another, a panel per condition, rows of the table joined in their order (appendix C.1).

Options: ``x`` and ``y``, the metrics; ``joined``, false where the order of the rows means nothing. Dots have their
row's title beside them, or in a legend where there are too many for that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures import Drawing
from reports.figures.style import COLOURS, MARKERS, plain
from reports.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACES = False
LABELS = 6  # that fit beside the dots
ENTRY = 1.1  # inches of an entry of the legend
LINE = 7.5  # points from one label to the next
NEAR = 30.0  # points from a dot to another that its label could lie on


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    metrics = {metric.name: metric for metric in run.suite.metrics}
    x, y = (metrics[options[axis]] for axis in ("x", "y"))
    means = run.summary.pivot_table(index=["condition", "method"], columns="metric", values="mean", dropna=False)
    means = means[[x.name, y.name]].dropna()
    conditions = run.suite.conditions
    width, many = max(2.3 * len(conditions), 3.4), len(run.methods) > LABELS
    figure = Figure(figsize=(width, 2.8 if many else 2.2), layout="constrained")
    marks = MARKERS[:-1]  # so that their number and the colours' have no common divisor
    looks = {
        method.name: {"color": COLOURS[i % len(COLOURS)], "marker": marks[i % len(marks)]}
        for i, method in enumerate(run.methods)
    }
    shown = {}
    panels = []
    for panel, condition in zip(figure.subplots(1, len(conditions), squeeze=False)[0], conditions, strict=True):
        there = [method for method in run.methods if (condition.name, method.name) in means.index]
        dots = [tuple(means.loc[condition.name, method.name]) for method in there]
        if dots and options.get("joined", True):
            panel.plot(*zip(*dots, strict=True), "-", lw=0.8, color=COLOURS[0])
        for method, dot in zip(there, dots, strict=True):
            look = looks[method.name] if many else {"color": COLOURS[0], "marker": "o"}
            (shown[method.title],) = panel.plot(*dot, ls="", ms=3, **look)
        panels.append((panel, [(method.title, dot) for method, dot in zip(there, dots, strict=True)]))
        panel.set_title(condition.title, fontsize=7)
        panel.set_xlabel(x.heading)
        plain(panel, "both")
        panel.margins(0.18)
        if condition is conditions[0]:
            panel.set_ylabel(y.heading)
    if many:
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": int(width / ENTRY), "frameon": False}
        figure.legend(shown.values(), shown, fontsize=6, **place)
    else:
        figure.draw_without_rendering()  # from here on it is known where the dots are
        for panel, dots in panels:
            _label(panel, dots)
    return Drawing(
        figure,
        "Means over images.",
        f"{y.label} against {x.label} for {', '.join(condition.title for condition in conditions)}.",
    )


def _label(panel: Axes, dots: Sequence[tuple[str, tuple[float, float]]]) -> None:
    """Titles to the right of the dots, from below upwards, no two on each other and none on a dot."""
    from matplotlib.patheffects import withStroke

    points = {title: panel.transData.transform(dot) * 72 / panel.figure.dpi for title, dot in dots}
    height = -math.inf
    for title, dot in sorted(dots, key=lambda item: points[item[0]][1]):
        x, y = points[title]
        height = max(y, height + LINE)
        beside = [there[0] for there in points.values() if abs(there[1] - height) < LINE and there[0] < x + NEAR]
        right = max([x, *beside])
        place: dict[str, Any] = {
            "textcoords": "offset points",
            "xytext": (right - x + 8, height - y),
            "va": "center",
            "fontsize": 6,
        }
        lead = {"arrowstyle": "-", "lw": 0.3, "color": "0.5", "shrinkA": 0, "shrinkB": 2}
        panel.annotate(title, dot, arrowprops=lead, path_effects=[withStroke(linewidth=2, foreground="white")], **place)
