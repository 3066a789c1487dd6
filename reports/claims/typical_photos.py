"""Claims of appendix C.1 on typical photos."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim
from reports.claims.dilation import SECTION

text = partial(Claim, SECTION, "appendix C.1", "typical_photos")


def against_typicality(row: str, metric: str) -> tuple[Cells, Cells]:
    return tuple(Cells(row, name, ("inversion",)) for name in (metric, "typicality"))  # type: ignore[return-value]


CLAIMS = (
    text(
        "At β = 0 typical photos are reconstructed more faithfully than atypical ones",
        against_typicality("beta_0", "perceptual"),
        "opposes",
    ),
    text(
        "Typical photos do not use a larger dilation: the more typical, the less of it without a bound",
        against_typicality("unbounded", "dilation"),
        "opposes",
    ),
)
