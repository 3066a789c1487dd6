"""One metric against another, a panel per condition, rows of the table joined in their order (appendix C.1).

Options: ``x`` and ``y``, the metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import COLOURS, arrow, plain
from reports.runs import Run

FACES = False
OFFSETS = (3, 3, 9, -4, -11)  # points, of labels whose dots may lie on each other


def draw(run: Run, spec: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    metrics = {metric["name"]: metric for metric in run.suite["metrics"]}
    x, y = (metrics[spec[axis]] for axis in ("x", "y"))
    means = run.summary.pivot_table(index=["condition", "method"], columns="metric", values="mean", dropna=False)
    conditions = run.suite["conditions"]
    figure = Figure(figsize=(2.3 * len(conditions), 2.2), layout="constrained")
    for panel, condition in zip(figure.subplots(1, len(conditions), squeeze=False)[0], conditions, strict=True):
        keys = [(condition["name"], method["name"]) for method in run.methods]
        rows = [
            (method["title"], means.loc[key])
            for method, key in zip(run.methods, keys, strict=True)
            if key in means.index
        ]
        panel.plot(
            [r[x["name"]] for _, r in rows], [r[y["name"]] for _, r in rows], "-o", ms=3, lw=0.8, color=COLOURS[0]
        )
        for i, (title, row) in enumerate(rows):
            place = {"textcoords": "offset points", "xytext": (4, OFFSETS[i % len(OFFSETS)]), "fontsize": 6}
            panel.annotate(title, (row[x["name"]], row[y["name"]]), **place)
        panel.set_title(condition["title"], fontsize=7)
        panel.set_xlabel(x["label"] + arrow(x["higher_is_better"]))
        plain(panel, "both")
        panel.margins(0.18)
        if condition is conditions[0]:
            panel.set_ylabel(y["label"] + arrow(y["higher_is_better"]))
    return Drawing(
        figure,
        "Means over images.",
        f"{y['label']} against {x['label']} for {', '.join(condition['title'] for condition in conditions)}.",
    )
