"""Claims of section 4.2 and Figure 6."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

TASKS = ("inpainting", "super_resolution")

figure_6 = partial(Claim, "4.2 Latent spaces", "Figure 6", "latent_spaces")
text = partial(Claim, "4.2 Latent spaces", "section 4.2", "latent_spaces")

CLAIMS = (
    figure_6(
        "Projection into W+ of the tuned generator is less personal than into P+_β",
        pair("space_wplus", "space_pplus", "identity", TASKS),
        "less",
        primary=True,
    ),
    figure_6(
        "So is projection into W",
        pair("space_w", "space_pplus", "identity", TASKS),
        "less",
    ),
    figure_6(
        "Projection into W+ is of lower quality than into P+_β",
        pair("space_wplus", "space_pplus", "perceptual", TASKS),
        "greater",
    ),
    figure_6(
        "P+_β is more personal than P_β",
        pair("space_pplus", "space_p", "identity", TASKS),
        "greater",
    ),
    figure_6(
        "P+_β is more faithful than P_β",
        pair("space_pplus", "space_p", "perceptual", TASKS),
        "less",
    ),
    text(
        "Projections into P_β use all of the allowed dilation more often than not",
        (Cells("space_p", "at_bound", TASKS),),
        "greater",
        number=0.5,
    ),
    text(
        "Projections into P+_β do so less often",
        pair("space_pplus", "space_p", "at_bound", TASKS),
        "less",
    ),
)
