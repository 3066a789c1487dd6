"""Claims of section 6."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim
from reports.claims.mismatch import SECTION

claim = partial(Claim, SECTION, "section 6", "hard_photos")


def beside_ordinary(row: str, metric: str, kind: str) -> tuple[Cells, Cells]:
    return Cells(row, metric, (kind,)), Cells(row, metric, ("ordinary",))


CLAIMS = (
    claim(
        "Extreme poses are not reconstructed as faithfully within the prior",
        beside_ordinary("mystyle", "perceptual", "turned"),
        "greater",
    ),
    claim(
        "Faces that are partly covered are not, either",
        beside_ordinary("mystyle", "perceptual", "covered"),
        "greater",
    ),
    claim(
        "Without a bound extreme poses lead further out of the prior",
        beside_ordinary("unbounded", "dilation", "turned"),
        "greater",
    ),
    claim(
        "So do faces that are partly covered",
        beside_ordinary("unbounded", "dilation", "covered"),
        "greater",
    ),
)
