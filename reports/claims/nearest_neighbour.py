"""Claims of appendix C.2 and Figure 16."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

MARGIN = 0.15  # of the perceptual distance: half of the way from a new photo of the person (0.3) to a copy (0)
RESTORED = ("inpainting", "super_resolution")

figure_16 = partial(Claim, "C.2 Nearest neighbours", "Figure 16", "nearest_neighbour")


def beside_photos(*conditions: str) -> tuple[Cells, Cells]:
    return Cells("mystyle", "copy_distance", conditions), Cells("real_photos", "copy_distance", conditions)


CLAIMS = (
    figure_16(
        "Samples are no copies of reference photos",
        beside_photos("synthesis"),
        "greater",
        margin=-MARGIN,
        primary=True,
    ),
    figure_16("Restored photos are no copies", beside_photos(*RESTORED), "greater", margin=-MARGIN),
    figure_16(
        "Samples are farther from the reference photos than new photos are", beside_photos("synthesis"), "greater"
    ),
)
