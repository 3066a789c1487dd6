"""Samples: for each person a row per method, the layout of Figures 8 and 17."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import sheet
from reports.runs import Run

FACES = True
PEOPLE = 3
COUNT = 8  # images in a row
CELL = 160  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    people = list(dict.fromkeys(case.person for case in run.cases))[:PEOPLE]
    methods = [method for method in run.methods if method.kind == "method"]
    rows, labels = [], []
    for person in people:
        for method in methods:
            found = [
                case.outputs[method.name] for case in run.cases if case.person == person and method.name in case.outputs
            ]
            if found:
                rows.append(found[:COUNT])
                labels.append(f"{person}\n{method.title}")
    if not rows:
        return None
    names = ", ".join(method.title for method in methods)
    return Drawing(
        sheet(rows, labels=labels, cell=CELL),
        f"The first {COUNT} samples of each person. Top to bottom, for each person: {names}.",
        f"Rows of random face images of {', '.join(people)} by {names}.",
    )
