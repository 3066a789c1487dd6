"""Outputs beside an image that belongs to them, such as the nearest reference photo: the layout of Figure 16.

Options: ``method``, whose outputs; ``companion``, the name of the image beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import BLANK, sheet
from reports.runs import Run

FACES = True
PEOPLE, GROUPS = 3, 2  # shown; cases in a row
CELL = 180  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    rows, labels = [], []
    for condition in run.suite.conditions:
        here = [case for case in run.cases if case.condition == condition.name and options["method"] in case.outputs]
        for person in list(dict.fromkeys(case.person for case in here))[:PEOPLE]:
            row = []
            for case in [case for case in here if case.person == person][:GROUPS]:
                companion = case.companion(options["method"], options["companion"])
                row += [case.input or BLANK, case.outputs[options["method"]], companion]
            rows.append(row + [BLANK] * (3 * GROUPS - len(row)))
            labels.append(f"{person}\n{condition.title}")
    if not rows:
        return None
    return Drawing(
        sheet(rows, titles=["Input", "Output", "Nearest photo"] * GROUPS, labels=labels, cell=CELL),
        "The first cases of each person.",
        "Face images in threes: input, output and the nearest reference photo.",
    )
