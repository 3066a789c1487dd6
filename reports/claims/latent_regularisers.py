"""Claims of sections 4.7 and 5.3 and of appendix A of II2S. KID stands for its FID: it has no bias for few images."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

EMBEDDINGS = "4.7 Histogram of the embeddings"
REGULARISERS = "A Regularisers"
NORMAL = 0.0455  # of a normal sample, beyond two deviations

histogram = partial(Claim, EMBEDDINGS, "section 4.7, Figures 7 and 8", "latent_regularisers", paper="II2S")
table = partial(Claim, REGULARISERS, "Tables 5 to 7", "latent_regularisers", paper="II2S")


def over(rows: tuple[str, ...], metric: str, condition: str) -> tuple[Cells, ...]:
    return tuple(Cells(row, metric, (condition,)) for row in rows)


CLIPS = tuple(f"clip_{c}" for c in (1, 2, 5, 7, 10))
RADII = tuple(f"project_{r}" for r in (1, 2, 5, 7, 10))
PENALTIES = tuple(f"l2_1e-0{n}" for n in (8, 7, 6, 5, 4))

CLAIMS = (
    histogram(
        "An embedding in W+ has more outliers than the generator's codes",
        (Cells("free", "code_outliers", ("inversion",)),),
        "greater",
        number=NORMAL,
    ),
    table(
        "Clipping makes the middle between embeddings better in P-norm+",
        pair("clip_2", "free", "kid", ("pnorm",)),
        "less",
        primary=True,
    ),
    table(
        "Clipping costs reconstruction",
        pair("clip_2", "free", "perceptual", ("inversion",)),
        "greater",
        primary=True,
    ),
    table("A wider clip reconstructs better", over(CLIPS, "perceptual", "inversion"), "falls"),
    table("So does a larger radius", over(RADII, "perceptual", "inversion"), "falls"),
    table("A larger weight of L2 reconstructs worse", over(PENALTIES, "perceptual", "inversion"), "rises"),
    table(
        "L2-1e-7 makes the middle between embeddings better in P-norm+",
        pair("l2_1e-07", "free", "kid", ("pnorm",)),
        "less",
    ),
    table(
        "Clipping makes style mixing better",
        pair("clip_2", "free", "kid", ("style_mix",)),
        "less",
    ),
    table(
        "At a high rate the middle between embeddings is worse in W+",
        pair("fast", "free", "kid", ("wplus",)),
        "greater",
    ),
)
