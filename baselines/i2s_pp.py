"""I2S++ (Abdal et al., "Image2StyleGAN++: How to Edit the Embedded Images?", 2020): codes first, then noise maps.

Codes of W+ descend with the generator's constant noise maps, as in ``i2s``; then copies of the maps descend with the
codes fixed, on the pixels alone, and nothing keeps them noise. The paper found that the two must not descend together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from baselines.common.embedding import Embedding, EmbeddingPrior
from baselines.i2s import PAPER, QUICK
from mystyle.descent import Constant, DescentSettings, OnStep, descend, in_batches
from mystyle.inversion import ByProjection, Inversion, OwnNoise
from mystyle.precision import computing_in
from mystyle.projection import LatentProjectionSettings
from mystyle.roles import Generator
from mystyle.types import Degradation, Image, WPlus

CODES = replace(PAPER, steps=1000)
MAPS = DescentSettings(steps=1000, schedule=Constant(5.0))


@dataclass(frozen=True)
class Settings:
    """The numbers of steps are those of MAGEC's comparison, the only ones that are published with results."""

    fit: None = None
    """nothing is fitted to a person"""
    restore: LatentProjectionSettings = CODES
    """decides the codes"""
    maps: DescentSettings = MAPS
    """decides the noise maps; the squared error has no weight, since it is all of their objective"""


def embedded_in_noise(
    target: Image, phi: Degradation, generator: Generator, ws: WPlus, s: DescentSettings, on_step: OnStep
) -> tuple[Tensor, ...]:
    """min over n of the mean of (phi(g(w, n)) - target)^2, from the constant maps: losses [n, steps], images, maps."""
    maps = [n.repeat(len(ws), 1, 1, 1).requires_grad_() for n in generator.synthesis.noise_maps()]

    def objective(_: int) -> Tensor:
        return (phi(generator.synthesis(ws, noise=maps)) - target).square().mean(dim=(1, 2, 3))

    with computing_in(s.precision, generator):
        losses = descend(maps, objective, s, on_step=on_step)
    with torch.no_grad():
        return losses, generator.synthesis(ws, noise=maps), *(n.detach() for n in maps)


class I2sPpPrior(EmbeddingPrior[Settings], ByProjection):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """All images start at the mean code and the constant maps. Nothing is random."""
        s, g = self.settings, self.domain.generator
        codes = self.by_descent(degraded, degradation, s.restore, seeds)

        def find(rows: slice, on_step: OnStep) -> tuple[Tensor, ...]:
            target = degraded[rows].to(codes.ws)
            return embedded_in_noise(target, degradation[rows], g, codes.ws[rows], s.maps, on_step)

        losses, images, *maps = in_batches(len(degraded), s.maps, "noise maps", find)
        return Inversion.of(OwnNoise(g, tuple(maps)), codes.ws, images, torch.cat([codes.losses, losses], dim=1))


METHOD = Embedding(
    "i2s_pp",
    "I2S++",
    I2sPpPrior,
    {
        "smoke": Settings(restore=replace(CODES, steps=10), maps=replace(MAPS, steps=10)),
        "quick": Settings(restore=QUICK, maps=replace(MAPS, steps=150)),
        "full": Settings(),
        "paper": Settings(),
    },
)
