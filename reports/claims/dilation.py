"""Claims of appendix C.1 and Figure 15."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

SECTION = "C.1 Effect of β on projection"
TASKS = ("inversion", "inpainting", "super_resolution")
BETAS = ("beta_0", "beta_0.02", "beta_0.05", "beta_0.1", "unbounded")
MARGIN = 0.005  # of the perceptual distance: a tenth of an inpainted photo's

figure_15 = partial(Claim, SECTION, "Figure 15", "dilation")
text = partial(Claim, SECTION, "appendix C.1", "dilation")


def over_beta(metric: str) -> tuple[Cells, ...]:
    return tuple(Cells(beta, metric, TASKS) for beta in BETAS)


CLAIMS = (
    figure_15("A larger β costs identity", over_beta("identity"), "falls", primary=True),
    figure_15("A larger β gives fidelity", over_beta("perceptual"), "falls", primary=True),
    text(
        "For inpainting a small β is enough: 0.02 is as faithful as no bound",
        (Cells("beta_0.02", "perceptual", ("inpainting",)), Cells("unbounded", "perceptual", ("inpainting",))),
        "less",
        margin=-MARGIN,
    ),
)
