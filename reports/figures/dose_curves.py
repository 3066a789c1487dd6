"""Each metric against the dose, for parameter-sweep suites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.runs import Run
from reports.sweeps import Sweeps

FACES = False


def draw(run: Run, options: Mapping[str, Any]) -> Drawing:
    sweeps = Sweeps(run)
    factors = f"{len(run.methods)} factors in {len(sweeps.groups)} groups"
    return Drawing(
        sweeps.curves(),
        f"Mean over sweeps with 95 % bands. {run.suite.dose}.",
        f"Curves, a row of panels per metric, of {factors}.",
    )
