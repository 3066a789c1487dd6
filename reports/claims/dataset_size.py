"""Claims of section 4.3 and Figure 7."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

SECTION = "4.3 Size and diversity of the reference set"
GROWING = ("10", "50", "100")
MARGIN = 0.02  # of the perceptual distance: a tenth of what an inversion into P_0 misses

figure_7 = partial(Claim, SECTION, "Figure 7", "dataset_size")


def at(metric: str, *sizes: str) -> tuple[Cells, ...]:
    return tuple(Cells("mystyle_p0", metric, (size,)) for size in sizes)


CLAIMS = (
    figure_7("Inversion error falls from 10 to 50 to 100 photos", at("perceptual", *GROWING), "falls", primary=True),
    figure_7("The diversity of the set rises with them", at("set_diversity", *GROWING), "rises"),
    figure_7(
        "From 100 photos to all of them the error hardly changes",
        at("perceptual", "200", "100"),
        "equal",
        margin=MARGIN,
    ),
    figure_7("Sets that are chosen to vary are more diverse", at("set_diversity", "varied", "alike"), "greater"),
    figure_7(
        "Of two sets of one size the more diverse has the smaller error", at("perceptual", "varied", "alike"), "less"
    ),
    figure_7(
        "Its error is no larger than that of twice as many photos at random",
        at("perceptual", "varied", "100"),
        "less",
        margin=-MARGIN,
    ),
)
