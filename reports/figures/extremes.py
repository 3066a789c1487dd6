"""The most and the least consistent cycle of each method, image by image: the layout of MAGEC's Figure 4(b).

Option: ``metric``, whose values belong to cases that end a cycle; the lowest is the best.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import sheet
from reports.runs import Case, Run

FACES = True
CELL = 180  # dots
TITLES = ("Photo", "Projection", "Edit", "Edit undone")


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    cases = {case.key: case for case in run.cases}
    scored = run.scored[run.scored["metric"] == options["metric"]]
    rows, labels, notes = [], [], []
    shown = []
    for method in run.methods:
        own = scored[scored["method"] == method.name]
        names = [item.partition(" | ")[0] for item in own["case"]]
        keys = zip(own["person"], own["seed"], names, strict=True)
        values = {key: value for key, value in zip(keys, own["value"], strict=True) if key in cases}
        if not values:
            continue
        shown.append(method.title)
        for word, pick in (("best", min), ("worst", max)):
            key = pick(values, key=lambda key: values[key])
            cycle = cycle_of(cases[key], cases)
            rows.append([cycle[0].input, *(case.outputs.get(method.name) for case in cycle)])
            labels.append(f"{method.title}, {word}\n{run.label(cases[key])}")
            notes.append([""] * len(cycle) + [f"{values[key]:.2f}"])
    if not rows:
        return None
    return Drawing(
        sheet(rows, titles=TITLES, labels=labels, notes=notes, cell=CELL),
        "The score of each cycle is below its last image. By it a method's photos and edits are chosen.",
        f"Cycles of face images by {', '.join(shown)}: {', '.join(TITLES)}.",
    )


def cycle_of(case: Case, cases: Mapping[tuple[str, int, str], Case]) -> list[Case]:
    """The cases that lead to ``case``, each compared with the one before, and itself."""
    chain = [case]
    while chain[0].of:
        chain.insert(0, cases[case.person, case.seed, chain[0].of])
    return chain
