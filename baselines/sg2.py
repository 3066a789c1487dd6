"""StyleGAN2's projector into W (Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", appendix D).

Code and noise maps descend together on the perceptual distance and the regulariser of the maps, from the mean code and
random maps. What is found are both: the image is rendered with the maps, as the original code does. (Its successor in
PyTorch, and PTI, which is built on that, throw them away.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.descent import Ramps
from mystyle.inversion import ByProjection, Inversion
from mystyle.latents.noise_maps import WEIGHT
from mystyle.projection import LatentProjectionSettings
from mystyle.types import Degradation, Image


@dataclass(frozen=True)
class Sg2Settings(LatentProjectionSettings):
    l2_weight: float = 0.0
    """the projector has no pixel term"""
    noise_weight: float = WEIGHT
    """of the regulariser of the noise maps"""


PROJECTOR = Sg2Settings(steps=1000, schedule=Ramps(0.1), space="w")


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    restore: Sg2Settings = PROJECTOR
    """decides projections"""


class Sg2Prior(EmbeddingPrior[Settings], ByProjection):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """``seeds[i]`` decides the first noise maps of row i and the noise on its code."""
        s = self.settings.restore
        return self.by_descent(degraded, degradation, s, seeds, noise_weight=s.noise_weight)


def projector(name: str, title: str, settings: Sg2Settings) -> Embedding:
    """The method for one latent space."""
    short = replace(settings, steps=250, schedule=Ramps(0.1))
    lengths = {"smoke": replace(settings, steps=10), "quick": short, "full": settings, "paper": settings}
    return Embedding(name, title, Sg2Prior, {preset: Settings(restore=s) for preset, s in lengths.items()})


METHOD = projector("sg2", "SG2", PROJECTOR)
