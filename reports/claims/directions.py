"""Claims of section 3.4 on the alignment of tuned generators."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

ATTRIBUTES = ("yaw", "smile", "age", "glasses")
MARGIN = 0.1  # of the population's standard deviation

claim = partial(Claim, "3 Method", "section 3.4", "directions")

CLAIMS = (
    claim(
        "Directions of the domain's generator edit the tuned one: attributes move the way that they should",
        (Cells("mystyle", "edit_change", ATTRIBUTES),),
        "greater",
    ),
    claim(
        "They move as far as in the domain's generator",
        pair("mystyle", "untuned", "edit_change", ATTRIBUTES),
        "equal",
        margin=MARGIN,
    ),
)
