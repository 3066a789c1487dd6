"""Anchors by optimisation, where a domain has no encoder: the pivots of PTI (Roich et al., 2021, section 3.1)."""

from __future__ import annotations

from mystyle.degradations import Identity
from mystyle.descent import Ramps
from mystyle.latents.anchors import Anchors
from mystyle.latents.statistics import latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Portraits

PTI = LatentProjectionSettings(steps=450, schedule=Ramps(0.01), space="w")
"""PTI's code, with the pixel term of all our descents, which PTI's Eq. 1 has not. Its text says 0.005, which the code
overwrites at every step."""


def optimise_anchors(
    portraits: Portraits,
    generator: Generator,
    perceptual: PerceptualDistance,
    settings: LatentProjectionSettings = PTI,
    *,
    seed: int,
) -> Anchors:
    """The code in W of each photo by descent: PTI's Eq. 1 with a pixel term, without noise maps, which are discarded.

    Photo i explores with a seed made of ``seed`` and i. Raises ValueError if ``settings`` ask for another space than W.
    """
    if settings.space != "w":
        raise ValueError(f"anchors lie in W, not in {settings.space}")
    statistics = latent_statistics(generator)
    seeds = [1_000_003 * seed + i for i in range(len(portraits))]
    result = project_latent(portraits.images, Identity(), generator, perceptual, statistics, settings, seeds=seeds)
    return Anchors(result.ws[:, 0], portraits.files)
