"""Claims that no suite measures."""

from __future__ import annotations

from benchmarks.analysis.claims import Untestable

CLAIMS = (
    Untestable(
        "B.3 Linear independence of anchors",
        "appendix B.3",
        "Anchors inside the hull can be dropped without strong effect",
        "no suite drops anchors",
    ),
)
