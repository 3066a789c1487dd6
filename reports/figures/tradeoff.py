"""One metric against another, a panel per condition, rows of the table joined in their order (appendix C.1).

Options: ``x`` and ``y``, the metrics; ``joined``, false where the order of the rows means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures import Drawing
from reports.figures.style import COLOURS, arrow, plain
from reports.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACES = False
LINE = 7.5  # points from one label to the next
NEAR = 30.0  # points from a dot to another that its label could lie on


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    metrics = {metric.name: metric for metric in run.suite.metrics}
    x, y = (metrics[options[axis]] for axis in ("x", "y"))
    means = run.summary.pivot_table(index=["condition", "method"], columns="metric", values="mean", dropna=False)
    conditions = run.suite.conditions
    figure = Figure(figsize=(2.3 * len(conditions), 2.2), layout="constrained")
    line = "-o" if options.get("joined", True) else "o"
    panels = []
    for panel, condition in zip(figure.subplots(1, len(conditions), squeeze=False)[0], conditions, strict=True):
        keys = [(condition.name, method.name) for method in run.methods]
        rows = [
            (method.title, means.loc[key]) for method, key in zip(run.methods, keys, strict=True) if key in means.index
        ]
        panel.plot([r[x.name] for _, r in rows], [r[y.name] for _, r in rows], line, ms=3, lw=0.8, color=COLOURS[0])
        panels.append((panel, [(title, (row[x.name], row[y.name])) for title, row in rows]))
        panel.set_title(condition.title, fontsize=7)
        panel.set_xlabel(x.label + arrow(x.higher_is_better))
        plain(panel, "both")
        panel.margins(0.18)
        if condition is conditions[0]:
            panel.set_ylabel(y.label + arrow(y.higher_is_better))
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
