"""Latent spaces of the tuned generator: Figure 6 of the paper (section 4.2).

One personal generator G_p, four spaces to project into: W and W+ of the whole generator, P_beta and P+_beta of the
person. The paper shows pictures and says that W and W+ are not personal, that P+_beta is the best, and that P_beta
often ends at exactly the allowed dilation where P+_beta stops before. All of that is a column here.

Where the paper is silent, we choose: beta of each task as in section 5 (0.02 for inpainting, 0.05 for super-
resolution), the centre mask, and x8; W and W+ by StyleGAN2's projector with as many steps.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks import tasks
from benchmarks.api.protocol import Figure, Part, Suite, Variant
from mystyle.projection import LatentProjectionSettings
from mystyle.types import Restores

BETA = {"inpainting": 0.02, "super_resolution": 0.05}


def personal(space: str, settings: Any, part: Part) -> Any:
    """Projection into P_beta ("alpha") or P+_beta ("alpha+")."""
    return replace(settings, restore=replace(settings.restore, space=space, beta=BETA[part.condition]))


def whole(space: str, settings: Any, part: Part) -> Any:
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
    metrics=(
        "maps_train",
        "maps_heldout",
        "identity",
        "true_identity",
        "perceptual",
        "consistency",
        "dilation",
        "at_bound",
    ),
    conditions={kind: tasks.TITLES[kind] for kind in ("inpainting", "super_resolution")},
    figures=(
        Figure("grid", "latent_spaces", "Projections into four spaces of one tuned generator, laid out as Figure 6."),
    ),
    presets={
        "smoke": tasks.PhotoSettings(tasks.SHORT[1:], 1, "2 people, 1 photo each, 2 tasks: the plumbing"),
        "quick": tasks.PhotoSettings(tasks.SHORT, 2, "3 people, 2 photos each, 2 tasks: 7 minutes on two cores"),
        "full": tasks.PhotoSettings(
            tasks.EVERYBODY,
            None,
            "all 13 people, every held-out photo, 2 tasks: for a GPU",
        ),
        "paper": tasks.PhotoSettings(
            tasks.SHORT, None, "the 3 people of Table 2, every held-out photo, 2 tasks: for a GPU"
        ),
    },
    verb=Restores,
    parts=partial(tasks.photo_parts, ("inpainting", "super_resolution")),
    problem=tasks.problem,
    solve=tasks.solve,
)
