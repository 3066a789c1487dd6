"""Claims of appendix C.3 and Figure 17."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

figure_17 = partial(Claim, "C.3 Predetermined and trained anchors", "Figure 17", "trained_anchors")


def trained_and_fixed(metric: str) -> tuple[Cells, Cells]:
    return Cells("glo", metric), Cells("mystyle", metric)


CLAIMS = (
    figure_17("Samples are blurrier with trained anchors", trained_and_fixed("sharpness"), "less", primary=True),
    figure_17("They are less like the reference set", trained_and_fixed("kid"), "greater"),
    figure_17("They have less of the identity", trained_and_fixed("identity"), "less"),
)
