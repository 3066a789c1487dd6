"""Claims of appendix C.1 on typical photos."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim
from reports.claims.dilation import SECTION

text = partial(Claim, SECTION, "appendix C.1", "typical_photos")


def against_typicality(row: str, metric: str) -> tuple[Cells, Cells]:
    return Cells(row, metric, ("inversion",)), Cells(row, "typicality", ("inversion",))


CLAIMS = (
    text(
        "Inverted at β = 0, typical photos are reconstructed more faithfully than atypical ones",
        against_typicality("beta_0", "perceptual"),
        "anticorrelated",
    ),
    text(
        "Typical photos do not use a larger dilation: inverted without a bound, they use less of it",
        against_typicality("unbounded", "dilation"),
        "anticorrelated",
    ),
)
