"""Claims of section 6."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim
from reports.claims.mismatch import SECTION

claim = partial(Claim, SECTION, "section 6", "hard_photos")


def beside_ordinary(kind: str, metric: str) -> tuple[Cells, Cells]:
    return Cells("mystyle", metric, (kind,)), Cells("mystyle", metric, ("ordinary",))


CLAIMS = (
    claim("Extreme poses are not reconstructed as faithfully", beside_ordinary("turned", "perceptual"), "greater"),
    claim("Nor are faces that are partly covered", beside_ordinary("covered", "perceptual"), "greater"),
    claim(
        "Of extreme poses the person is less well kept",
        beside_ordinary("turned", "identity_photo"),
        "less",
    ),
    claim("So it is of covered faces", beside_ordinary("covered", "identity_photo"), "less"),
)
