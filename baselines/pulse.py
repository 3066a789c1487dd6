"""PULSE (Menon et al., "PULSE: Self-Supervised Photo Upsampling via Latent Space Exploration of GANs", 2020).

A code of every layer descends where codes are nearly a standard normal sample, and stays on the sphere of radius |v| on
which it starts at random: P, with every coordinate whitened by itself. No network but the generator has a say: the
degraded image is to be near the given one, and the codes of the layers near each other. Settings are the released
code's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.descent import DescentSettings, OnStep, Schedule, Triangular, descend, in_batches
from mystyle.inversion import ByProjection, Inversion, OwnNoise
from mystyle.latents.noise_maps import random_maps
from mystyle.latents.pnorm import SAMPLES, PNorm, pnorm_of
from mystyle.precision import computing_in
from mystyle.types import LENGTH, Degradation, Image, WPlus


@dataclass(frozen=True)
class PulseSettings(DescentSettings):
    steps: int = field(default=100, metadata=LENGTH)
    schedule: Schedule = field(default=Triangular(0.4))
    l2_weight: float = 100.0
    """of the mean squared error of images in [0, 1]"""
    near_enough: float = 2e-3
    """the squared error below which an image is not drawn to the given one any more"""
    cross_weight: float = 0.05
    """of the distances between the layers' codes"""
    maps: int = 5
    """the coarsest noise maps that descend; the others keep the noise they have, and the finest has none"""
    samples: int = SAMPLES
    """of the mapping network, for the whitening"""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    restore: PulseSettings = field(default_factory=PulseSettings)
    """decides projections"""


def geocross(ws: WPlus) -> Tensor:
    """GEOCROSS: 512 / 8 times the mean over all pairs of layers of the squared angle between their codes: [n]."""
    x, y = ws[:, None], ws[:, :, None]
    apart, sum_ = (((v.square().sum(dim=-1)) + 1e-9).sqrt() for v in (x - y, x + y))
    angles = 2 * torch.atan2(apart, sum_)
    return (512 * angles.square()).mean(dim=(1, 2)) / 8


def norms(x: Tensor) -> Tensor:
    """Of every image's every layer [n, layers, ...], or its map [n, 1, ...], kept as dimensions of size 1."""
    return x.flatten(2).norm(dim=2).unflatten(1, (-1, *[1] * (x.ndim - 2)))


class PulsePrior(EmbeddingPrior[Settings], ByProjection):
    @cached_property
    def space(self) -> PNorm:
        return pnorm_of(self.domain, self.settings.restore.samples).diagonal

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """``seeds[i]`` decides where code and noise maps of row i start, and so the spheres they stay on.

        The last iterate is the result, near enough or not; the released code leaves such images out.
        """
        seeds = range(len(degraded)) if seeds is None else seeds

        def find(rows: slice, on_step: OnStep) -> tuple[Tensor, ...]:
            return self._found(degraded[rows].to(self.space.mean), degradation[rows], seeds[rows], on_step)

        ws, images, losses, *maps = in_batches(len(degraded), self.settings.restore, "projection", find)
        return Inversion.of(OwnNoise(self.domain.generator, tuple(maps)), ws, images, losses)

    def _found(self, target: Image, phi: Degradation, seeds: Sequence[int], on_step: OnStep) -> tuple[Tensor, ...]:
        """Codes, images, losses [n, steps] and noise maps of one batch."""
        s, g, space = self.settings.restore, self.domain.generator, self.space
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        v = torch.stack([torch.randn(g.num_ws, g.w_dim, generator=draw) for draw in draws]).to(target)
        maps = [n.to(target) for n in random_maps(g.synthesis, draws)]
        maps[-1].zero_()
        variables = [v, *maps[: s.maps]]
        radii = [norms(x) for x in variables]
        for x in variables:
            x.requires_grad_()

        def objective(_: int) -> Tensor:
            ws = space.codes(v)
            error = ((phi(g.synthesis(ws, noise=maps)) - target) / 2).square().mean(dim=(1, 2, 3))
            return s.l2_weight * error.clamp_min(s.near_enough) + s.cross_weight * geocross(ws)

        def to_spheres(_: int) -> None:
            for x, radius in zip(variables, radii, strict=True):
                x.mul_(radius / norms(x))

        with computing_in(s.precision, g):
            losses = descend(variables, objective, s, after_step=to_spheres, on_step=on_step)
        with torch.no_grad():
            ws = space.codes(v)
            return ws, g.synthesis(ws, noise=maps), losses, *(n.detach() for n in maps)


PAPER = PulseSettings()
METHOD = Embedding(
    "pulse",
    "PULSE",
    PulsePrior,
    {
        "smoke": Settings(restore=replace(PAPER, steps=10, samples=10_000)),
        "quick": Settings(),
        "full": Settings(),
        "paper": Settings(),
    },
)
