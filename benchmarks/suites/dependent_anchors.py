"""Dependent anchors: appendix B.3 of the paper.

Photos more than W has dimensions would have dependent anchors, which the paper expects to have no strong effect:
synthesis and projection work with them, and those inside the hull can be dropped. Encoded photos of the benchmark's
people are independent, so that dependent ones are made: as many again, each in the middle between two. Where they are
dropped, what is left is MyStyle itself.

Where the paper is silent, we choose inversion and inpainting of held-out photos, with the centre mask, and show beside
them what dropping anchors costs that are not inside: the half that is nearest to the hull of the others.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part
from benchmarks.suites import common

TASKS = common.RESTORATIONS[:2]


def spanned(basis: str, settings: Any, part: Part) -> Any:
    """MyStyle whose prior is spanned by other codes than it was tuned at."""
    return replace(settings, basis=basis)


SUITE = Suite(
    name="dependent_anchors",
    version=1,
    title="Dependent anchors",
    paper="B.3",
    methods=(
        "mystyle",
        Variant("dependent", "With as many inner anchors", "mystyle", partial(spanned, "dependent")),
        Variant("half", "Without the inner half", "mystyle", partial(spanned, "half")),
    ),
    metrics=("maps_heldout", *common.IDENTITIES, "perceptual", "hole_distance", "hole_psnr", "dilation"),
    conditions={task.name: task.title for task in TASKS},
    figures=(Figure("grid", "dependent_anchors", "Held-out photos projected into priors of more and fewer anchors."),),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 2 tasks: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 2, "3 people, 2 photos each, 2 tasks: eight minutes on two cores"),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=partial(common.photo_parts, TASKS),
)
