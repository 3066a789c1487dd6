"""Everyone's photo by everyone's prior, with numbers below each image (Figure 14, for all pairs).

Options: ``method``; ``values``, the metrics to print.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.figures.style import BLANK, sheet
from reports.runs import Run

FACES = True
CELL = 200  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    cases = [case for case in run.cases if options["method"] in case.outputs]
    people = list(dict.fromkeys(case.person for case in cases))
    if not people:
        return None
    everyone = dict.fromkeys([*people, *(case.prior_of for case in cases)])
    priors = [name for name in everyone if any(case.prior_of == name for case in cases)]
    scored = run.scored[run.scored["method"] == options["method"]]
    means = scored.groupby(["person", "prior_of", "metric"])["value"].mean()
    rows, notes = [], []
    for person in people:
        mine = [case for case in cases if case.person == person]
        shown = {case.prior_of: case for case in mine if case.image == mine[0].image}
        rows.append(
            [
                mine[0].input or BLANK,
                *(shown[p].outputs[options["method"]] if p in shown else None for p in priors),
            ]
        )
        found = [[means.get((person, prior, metric)) for metric in options["values"]] for prior in priors]
        notes.append(["", *(" / ".join("\u2013" if v is None else f"{v:.2f}" for v in values) for values in found)])
    labels = {metric.name: metric.label for metric in run.suite.metrics}
    return Drawing(
        sheet(
            rows, titles=["Input", *(f"prior of {prior}" for prior in priors)], labels=people, notes=notes, cell=CELL
        ),
        f"Means over the person's photos: {' / '.join(labels[name] for name in options['values'])}.",
        f"Matrix of face images, {len(people)} people by {len(priors)} priors.",
    )
