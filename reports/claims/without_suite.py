"""Claims that no suite measures."""

from __future__ import annotations

from benchmarks.analysis.claims import Untestable

CLAIMS = (
    Untestable(
        "3 Method",
        "section 3.1, B.2",
        "Projections to DiffAugment's prior need an early stop, MyStyle's do not",
        "no suite varies the number of steps of projections",
    ),
    Untestable(
        "3 Method",
        "section 3.4",
        "Directions of the domain work in the tuned generator; projecting them is better than stopping or going on",
        "editing follows one of the three policies only",
    ),
    Untestable(
        "B.3 Linear independence of anchors",
        "appendix B.3",
        "Anchors inside the hull can be dropped without strong effect",
        "no suite drops anchors",
    ),
)
