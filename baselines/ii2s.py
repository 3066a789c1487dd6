"""II2S: codes in W+ that stay where the generator's own codes are (Zhu et al., 2020, section 5 and appendix A).

A code of every layer descends on Eq. 1's losses. After each step it is taken to P-norm+, regularised there and taken
back, without a gradient: Adam's moments are of the path that is not regularised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mystyle.descent import Constant, DescentSettings, Ramps, batches, descend
from mystyle.domains.domain import Domain
from mystyle.inversion import ByProjection, Inversion, SharedGenerator
from mystyle.latents.pnorm import SAMPLES, PNorm, pnorm_of
from mystyle.latents.statistics import latent_statistics
from mystyle.losses import reconstruction
from mystyle.precision import computing_in
from mystyle.protocols import Method
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Degradation, Image, Portraits, W, WPlus

OnStep = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Ii2sSettings(DescentSettings):
    """The three regularisers of appendix A; None and 0 leave one out. The text clips, the released code penalises."""

    clip: float | None = 2.0
    """c of Clip-c, in deviations"""
    radius: float | None = None
    """r of Project-r"""
    penalty: float = 0.0
    """lambda of L2-lambda, times the sum of squares over all layers"""
    samples: int = SAMPLES
    """of the mapping network, for the whitening"""


TEXT = Ii2sSettings(steps=1200, schedule=Constant(0.01))
CODE = replace(TEXT, steps=1300, clip=None, penalty=0.001 / (18 * 512))
"""The released code: a mean over 18 x 512 coordinates, weighted by 0.001."""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    restore: Ii2sSettings = TEXT
    """decides projections"""


@dataclass(frozen=True)
class Ii2sPrior(ByProjection):
    generator: Generator
    perceptual: PerceptualDistance
    space: PNorm
    mean: W
    """[w_dim], where codes start"""
    settings: Ii2sSettings

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """All images start at the mean code. Nothing is random."""
        parts = [
            self._batch(degraded[rows].to(self.mean), degradation[rows], on_step)
            for rows, on_step in batches(len(degraded), self.settings, "projection")
        ]
        ws, images, losses = (torch.cat(part) for part in zip(*parts, strict=True))
        return Inversion.of(SharedGenerator(self.generator), ws, images, losses)

    def _batch(self, target: Image, phi: Degradation, on_step: OnStep) -> tuple[WPlus, Image, Tensor]:
        s, g, space = self.settings, self.generator, self.space
        w = self.mean.repeat(len(target), g.num_ws, 1).requires_grad_()
        with torch.no_grad():
            features = self.perceptual.features(target)

        def objective(_: int) -> Tensor:
            loss = reconstruction(self.perceptual, phi(g.synthesis(w, noise="const")), target, features, s.l2_weight)
            return loss + s.penalty * space(w).square().sum(dim=(1, 2)) if s.penalty else loss

        def regularise(_: int) -> None:
            if s.clip is not None:
                w.copy_(space.clipped(w, s.clip))
            if s.radius is not None:
                w.copy_(space.projected(w, s.radius))

        with computing_in(s.precision, g):
            losses = descend((w,), objective, s, after_step=regularise, on_step=on_step)
        ws = w.detach()
        return ws, SharedGenerator(g)(ws), losses

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(SharedGenerator(self.generator), tensors)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


class Ii2s(Method):
    name = "ii2s"
    version = 1
    title = "II2S"
    does = ("inpaint", "upscale", "invert")
    personal = False
    presets: Mapping[str, Settings] = {
        "smoke": Settings(restore=replace(TEXT, steps=10, samples=10_000)),
        "quick": Settings(restore=replace(TEXT, steps=150, schedule=Ramps(0.05))),
        "full": Settings(),
        "paper": Settings(),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> Ii2sPrior:
        space = pnorm_of(domain, settings.restore.samples)
        mean = latent_statistics(domain.generator).mean
        return Ii2sPrior(domain.generator, domain.perceptual, space, mean, settings.restore)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> Ii2sPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = Ii2s()
