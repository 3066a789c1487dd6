"""One photo's images from left to right as something changes: the layout of Figures 7(b) and 12.

Options: ``columns``, what changes: "dose", or "level" for the conditions that have one; ``condition``, if not all are
wanted; ``people``, how many; ``rows``, photos each.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from reports.figures import Drawing
from reports.figures.style import BLANK, sheet
from reports.runs import Run

FACES = True
CELL = 160  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    along = options["columns"]
    cases = [case for case in run.cases if options.get("condition") in (None, case.condition)]
    cases = [case for case in cases if getattr(case, along) is not None]
    place = attrgetter("dose" if along == "dose" else "condition")  # a set of all photos has a level for each person
    there = {place(case) for case in cases}
    if along == "dose":
        heads = {value: f"{value:.3g}" for value in sorted(there)}
    else:
        heads = {c.name: c.title for c in run.conditions if c.name in there}
    methods = [method for method in run.methods if method.kind == "method"]
    rows, labels = [], []
    for person in list(dict.fromkeys(case.person for case in cases))[: options.get("people")]:
        mine = [case for case in cases if case.person == person]
        for file in list(dict.fromkeys(case.image for case in mine))[: options.get("rows", 1)]:
            at = {place(case): case for case in reversed(mine) if case.image == file}  # the first of each
            given = next((case.input for case in mine if case.image == file), None)
            for method in methods:
                images = [at[v].outputs.get(method.name) if v in at else BLANK for v in heads]
                rows.append([given or BLANK, *images] if any(case.input for case in cases) else images)
                labels.append(f"{person}\n{method.title}")
    if not rows:
        return None
    titles = [*(["Photo"] if len(rows[0]) > len(heads) else []), *heads.values()]
    names = ", ".join(method.title for method in methods)
    return Drawing(
        sheet(rows, titles=titles, labels=labels, cell=CELL),
        f"Top to bottom, for each photo: {names}.",
        f"Strips of face images, {along} from {titles[-len(heads)]} to {titles[-1]}, by {names}.",
    )
