"""Samples: for each person a row per method, the layout of Figures 8 and 17. Option ``images``: how many in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import sheet
from reports.runs import Run

FACES = True
PEOPLE = 3
CELL = 160  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    count = options.get("images", 8)
    people = list(dict.fromkeys(case.person for case in run.cases))[:PEOPLE]
    methods = [method for method in run.methods if method.kind == "method"]
    rows, labels = [], []
    for person in people:
        for method in methods:
            found = [
                case.outputs[method.name] for case in run.cases if case.person == person and method.name in case.outputs
            ]
            if found:
                rows.append(found[:count])
                labels.append(f"{person}\n{method.title}")
    if not rows:
        return None
    names = ", ".join(method.title for method in methods)
    return Drawing(
        sheet(rows, labels=labels, cell=CELL),
        f"The first {count} samples of each person. Top to bottom, for each person: {names}.",
        f"Rows of random face images of {', '.join(people)} by {names}.",
    )
