"""Effects of the factors of a parameter-sweep suite, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures import Drawing
from reports.runs import Run
from reports.sweeps import EFFECT, Sweeps

FACES = False


def draw(run: Run, options: Mapping[str, Any]) -> Drawing:
    sweeps = Sweeps(run)
    factors = f"{len(run.methods)} factors in {len(sweeps.groups)} groups"
    return Drawing(sweeps.dots(), f"{EFFECT} Bars: 95 % intervals.", f"Dot plot of the effects of {factors}.")
