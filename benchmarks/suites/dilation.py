"""Effect of beta on projection: Figure 15 of the paper (appendix C.1).

Held-out photos, whole, with a hole and small, projected into P+_beta with beta from zero to no bound at all. The
paper shows typical and atypical photos of each person and states that beta trades identity for fidelity; here both
are numbers: fidelity as the perceptual distance to the photo, identity as MAPS, typicality as the MAPS of the photo
itself.

Where the paper is silent (it names neither the betas nor how typical photos are found), we choose the betas and
take the photos as they come; the figure shows the most and the least typical one.
"""

from __future__ import annotations

from functools import partial

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.suites import common

BETAS = (0.0, 0.02, 0.05, 0.1, None)


def row(beta: float | None) -> Variant:
    name, title = ("unbounded", "no bound") if beta is None else (f"beta_{beta:g}", f"β = {beta:g}")
    return Variant(name, title, "mystyle", partial(common.with_beta, beta))


SUITE = Suite(
    name="dilation",
    version=1,
    title="Dilation",
    paper="Figure 15",
    methods=tuple(row(beta) for beta in BETAS),
    metrics=(*common.OF_PERSON, *common.OFF_REAL, "perceptual", "lpips", "dilation", "typicality"),
    conditions=common.TITLES,
    figures=(
        Figure(
            "grid",
            "dilation",
            "β from left to right, laid out as Figure 15: of each task the most and the least typical photo.",
            {"extremes": "typicality"},
        ),
        Figure(
            "tradeoff",
            "dilation_tradeoff",
            "Fidelity against identity similarity.",
            {"x": "perceptual", "y": "maps_heldout"},
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 3 tasks, 5 betas: the plumbing"),
        "quick": common.PhotoSettings(
            common.SHORT[1:], 2, "2 people, 2 photos each, 3 tasks, 5 betas: seven minutes on two cores"
        ),
        "full": common.PhotoSettings(
            common.EVERYBODY,
            None,
            "all 13 people, every held-out photo, 5 betas: for a GPU",
        ),
        "paper": common.PhotoSettings(
            common.SHORT, None, "the 3 people of Table 2, every held-out photo, 5 betas: for a GPU"
        ),
    },
    parts=partial(common.photo_parts, common.RESTORATIONS),
)
