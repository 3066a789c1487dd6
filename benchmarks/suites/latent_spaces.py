"""Latent spaces of the tuned generator: Figure 6 of the paper (section 4.2).

One personal generator G_p, four spaces to project into: W and W+ of the whole generator, P_beta and P+_beta of the
person. The paper shows images and says that W and W+ are not personal, that P+_beta is the best, and that P_beta
often ends at exactly the allowed dilation where P+_beta stops before. All of that is a column here.

Where the paper is silent, we choose: beta of each task as in section 5 (0.02 for inpainting, 0.05 for super-
resolution), the centre mask, and x8; W and W+ by StyleGAN2's projector with as many steps.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Literal

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part
from benchmarks.suites import common
from mystyle.projection import LatentProjectionSettings

TASKS = common.RESTORATIONS[1:]  # with something to restore
BETA = {"inpainting": 0.02, "super_resolution": 0.05}


def personal(space: str, settings: Any, part: Part) -> Any:
    """Projection into P_beta ("alpha") or P+_beta ("alpha+")."""
    return replace(settings, restore=replace(settings.restore, space=space, beta=BETA[part.condition]))


def whole(space: Literal["w", "w+"], settings: Any, part: Part) -> Any:
    """Projection into W or W+ of the tuned generator."""
    return replace(settings, restore=LatentProjectionSettings(steps=settings.restore.steps, space=space))


SUITE = Suite(
    name="latent_spaces",
    version=1,
    title="Latent spaces",
    paper="Figure 6",
    methods=(
        Variant("space_w", "W of the tuned generator", "mystyle", partial(whole, "w")),
        Variant("space_wplus", "W+ of the tuned generator", "mystyle", partial(whole, "w+")),
        Variant("space_p", "P_β", "mystyle", partial(personal, "alpha")),
        Variant("space_pplus", "P+_β", "mystyle", partial(personal, "alpha+")),
    ),
    metrics=(*common.OF_PERSON, "identity_shift", "perceptual", "consistency", "dilation", "at_bound"),
    conditions={task.name: task.title for task in TASKS},
    figures=(
        Figure("grid", "latent_spaces", "Projections into four spaces of one tuned generator, laid out as Figure 6."),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 2 tasks: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 2, "3 people, 2 photos each, 2 tasks: 7 minutes on two cores"),
        "full": common.PhotoSettings(
            common.EVERYBODY,
            None,
            "all 13 people, every held-out photo, 2 tasks: for a GPU",
        ),
        "paper": common.PhotoSettings(
            common.SHORT, None, "the 3 people of Table 2, every held-out photo, 2 tasks: for a GPU"
        ),
    },
    parts=partial(common.photo_parts, TASKS),
)
