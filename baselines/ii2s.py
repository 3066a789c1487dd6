"""II2S: codes in W+ that stay where the generator's own codes are (Zhu et al., 2020, section 5 and appendix A).

A code of every layer descends on Eq. 1's losses. After each step it is taken to P-norm+, regularised there and taken
back, without a gradient: Adam's moments are of the path that is not regularised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from mystyle.descent import Constant, Ramps
from mystyle.domains.domain import Domain
from mystyle.inversion import ByProjection, Inversion, SharedGenerator
from mystyle.latents.pnorm import SAMPLES, PNorm, pnorm_of
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.protocols import Method
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Degradation, Image, Portraits, WPlus


@dataclass(frozen=True)
class Ii2sSettings(LatentProjectionSettings):
    """The three regularisers of appendix A; None and 0 leave one out. The text clips, the released code penalises."""

    exploration: float = 0.0
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
class Regulariser:
    space: PNorm
    settings: Ii2sSettings

    def penalty(self, w: WPlus) -> Tensor:
        """lambda times the sum over layers of ||v_l||^2: [n]."""
        if not self.settings.penalty:
            return w.new_zeros(len(w))
        return self.settings.penalty * self.space(w).square().sum(dim=(1, 2))

    def constrained(self, w: WPlus) -> WPlus:
        """Clipped, then projected."""
        s = self.settings
        if s.clip is not None:
            w = self.space.clipped(w, s.clip)
        return w if s.radius is None else self.space.projected(w, s.radius)


@dataclass(frozen=True, kw_only=True)
class Ii2sInversion(Inversion):
    space: PNorm

    @property
    def facts(self) -> Mapping[str, Tensor]:
        """Of v: the RMS distance from the mean over coordinates, 1 for codes of the generator, and the outliers."""
        v = self.space(self.ws).flatten(1).cpu()
        return {"code_distance": v.square().mean(dim=1).sqrt(), "code_outliers": (v.abs() > 2).float().mean(dim=1)}


@dataclass(frozen=True)
class Ii2sPrior(ByProjection):
    generator: Generator
    perceptual: PerceptualDistance
    statistics: LatentStatistics
    space: PNorm
    settings: Ii2sSettings

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """All images start at the mean code. Nothing is random."""
        s, phi, r = self.settings, degradation, Regulariser(self.space, self.settings)
        at = self.generator, self.perceptual, self.statistics, s
        return self.with_space(project_latent(degraded, phi, *at, regulariser=r))

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return self.with_space(Inversion.read(SharedGenerator(self.generator), tensors))

    def with_space(self, found: Inversion) -> Inversion:
        return Ii2sInversion(**vars(found), space=self.space)

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
        statistics = latent_statistics(domain.generator)
        return Ii2sPrior(domain.generator, domain.perceptual, statistics, space, settings.restore)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> Ii2sPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = Ii2s()
