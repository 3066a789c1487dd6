"""I2S (Abdal et al., "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?", 2019): descent in W+.

From the mean code at a constant rate, on the pixels and a perceptual distance, with the generator's constant noise;
nothing keeps the codes near the generator's own. The baseline that II2S improves on, which re-implements it for
StyleGAN2 with settings that it does not state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.descent import Constant, Ramps
from mystyle.inversion import ByProjection, Inversion
from mystyle.projection import LatentProjectionSettings
from mystyle.types import Degradation, Image

PAPER = LatentProjectionSettings(steps=5000, schedule=Constant(0.01), exploration=0.0)
QUICK = replace(PAPER, steps=150, schedule=Ramps(0.05))


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    restore: LatentProjectionSettings = PAPER
    """decides projections"""


class I2sPrior(EmbeddingPrior[Settings], ByProjection):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """All images start at the mean code. Nothing is random."""
        return self.by_descent(degraded, degradation, self.settings.restore, seeds)


METHOD = Embedding(
    "i2s",
    "I2S",
    I2sPrior,
    {
        "smoke": Settings(restore=replace(PAPER, steps=10)),
        "quick": Settings(restore=QUICK),
        "full": Settings(restore=replace(PAPER, steps=1200)),  # as many as II2S: its regulariser alone sets it apart
        "paper": Settings(),
    },
)
