"""The scored images of a parameter-sweep suite: a strip of portraits per factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.runs import Run
from reports.sweeps import Sweeps

FACES = True


def draw(run: Run, options: Mapping[str, Any]) -> Drawing:
    sweeps = Sweeps(run)
    factors = f"{len(run.methods)} factors in {len(sweeps.groups)} groups"
    return Drawing(
        sweeps.strips(),
        "Each factor's sweep of the first photo of the first person, dose from left to right.",
        f"Strips of portraits, one for each of {factors}.",
    )
