"""Claims of section 3.1 and appendix B.2 on how long projections may be."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

MARGIN = 0.01  # of the distance in the hole: a fifth of what kinds of masks differ by (0.115 to 0.161 in `inpainting`)

claim = partial(Claim, "3 Method", "section 3.1, B.2", "projection_length")


def against_early(method: str) -> tuple[Cells, Cells]:
    """The distance in the hole at four times the preset's steps, and at these."""
    return Cells(method, "hole_distance", ("4",)), Cells(method, "hole_distance", ("1",))


CLAIMS = (
    claim(
        "Projections into DiffAugment's prior need an early stop: longer ones fill holes worse",
        against_early("diffaugment"),
        "greater",
    ),
    claim(
        "Projections into MyStyle's prior need none: longer ones do not fill them worse",
        against_early("mystyle"),
        "less",
        margin=-MARGIN,
    ),
)
