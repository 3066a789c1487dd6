"""Claims of appendix B.3: dependent anchors have no strong effect, and inner ones can be dropped."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, pair

EFFECT = 0.02  # of a cosine, and of the perceptual distance: a tenth of what methods differ by

text = partial(Claim, "B.3 Linear independence of anchors", "appendix B.3", "dependent_anchors")

CLAIMS = (
    text(
        "Projections into a dependent set are as near to the photo as without its inner anchors",
        pair("dependent", "mystyle", "perceptual", ("inversion",)),
        "equal",
        margin=EFFECT,
    ),
    text(
        "Filled holes show the person as well",
        pair("dependent", "mystyle", "identity", ("inpainting",)),
        "equal",
        margin=EFFECT,
    ),
)
