"""II2S: codes in W+ that stay where the generator's own codes are (Zhu et al., 2020, section 5 and appendix A).

A code of every layer descends on Eq. 1's losses. After each step it is taken to P-norm+, regularised there and taken
back, without a gradient: Adam's moments are of the path that is not regularised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.descent import Constant, Ramps
from mystyle.inversion import ByProjection, Inversion
from mystyle.latents.pnorm import SAMPLES, PNorm, pnorm_of
from mystyle.projection import LatentProjectionSettings
from mystyle.types import Degradation, Image, WPlus

OUTLIER = 2.001  # deviations: a coordinate clipped to 2 comes back from W by a ten-thousandth larger or smaller


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
        outliers = (v.abs() > OUTLIER).float().mean(dim=1)
        return {"code_distance": v.square().mean(dim=1).sqrt(), "code_outliers": outliers}


class InPNorm(EmbeddingPrior[Settings], ByProjection):
    """Descents whose codes are told about in P-norm+."""

    @cached_property
    def space(self) -> PNorm:
        return pnorm_of(self.domain, self.settings.restore.samples)

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return self.with_space(super().inversion(tensors))

    def with_space(self, found: Inversion) -> Inversion:
        return Ii2sInversion(**vars(found), space=self.space)


class Ii2sPrior(InPNorm):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """All images start at the mean code. Nothing is random."""
        s = self.settings.restore
        found = self.by_descent(degraded, degradation, s, seeds, regulariser=Regulariser(self.space, s))
        return self.with_space(found)


METHOD = Embedding(
    "ii2s",
    "II2S",
    Ii2sPrior,
    {
        "smoke": Settings(restore=replace(TEXT, steps=10, samples=10_000)),
        "quick": Settings(restore=replace(TEXT, steps=150, schedule=Ramps(0.05))),
        "full": Settings(),
        "paper": Settings(),
    },
    version=2,
)
