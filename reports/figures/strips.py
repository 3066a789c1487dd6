"""One photo's images from left to right as something changes: the layout of Figures 7(b) and 12.

Options: ``columns``, what changes: "dose", "level" for the conditions that have one, or "edits"; ``condition``, if not
all are wanted; ``methods``, likewise; ``people``, how many; ``rows``, photos each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import BLANK, sheet
from reports.runs import Case, Run

FACES = True
CELL = 160  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    along = options["columns"]
    cases = [case for case in run.cases if options.get("condition") in (None, case.condition)]
    cases = [case for case in cases if getattr(case, along) not in (None, ())]
    there = dict.fromkeys(_place(case, along) for case in cases)
    heads: dict[Any, str]
    if along == "level":
        heads = {c.name: c.title for c in run.conditions if c.name in there}
    else:
        heads = {v: f"{v:.3g}" for v in sorted(there)} if along == "dose" else {v: ", ".join(v) for v in there}
    methods = [method for method in run.methods if method.kind == "method"]
    methods = [method for method in methods if method.name in options.get("methods", (method.name,))]
    made = {name for case in cases for name in case.outputs}
    methods = [method for method in methods if method.name in made] or methods  # a row of nothing beside no others
    rows, labels = [], []
    for person in list(dict.fromkeys(case.person for case in cases))[: options.get("people")]:
        mine = [case for case in cases if case.person == person]
        for file in list(dict.fromkeys(case.image for case in mine))[: options.get("rows", 1)]:
            at = {_place(case, along): case for case in reversed(mine) if case.image == file}  # the first of each
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


def _place(case: Case, along: str) -> Any:
    """What decides the column of a case."""
    if along == "edits":
        return tuple(name for name, _ in case.edits)
    return case.dose if along == "dose" else case.condition  # a set of all photos has a level for each person
