"""The domain's generator as it is, projected to W: what is possible without knowing the person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from baselines.common.embedding import Embedding
from baselines.common.latent_prior import LatentPrior
from mystyle.domains.domain import Domain
from mystyle.projection import LatentProjectionSettings


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""
    restore: LatentProjectionSettings = field(default_factory=LatentProjectionSettings)
    """decides projections"""
    truncation: float = 0.7
    """psi of samples"""


class UntunedPrior(LatentPrior):
    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


def prior(domain: Domain, settings: Settings) -> UntunedPrior:
    return UntunedPrior(domain.generator, domain.perceptual, settings.restore, settings.truncation)


def projected(name: str, title: str, projection: LatentProjectionSettings) -> Embedding:
    """The method for one latent space. StyleGAN2's projector, 1000 steps; the reference photos are not looked at."""
    steps = {"smoke": 10, "quick": 250, "full": 1000, "paper": 1000}
    presets = {preset: Settings(restore=replace(projection, steps=n)) for preset, n in steps.items()}
    return Embedding(name, title, prior, presets, does=("sample", "inpaint", "upscale", "invert"))


METHOD = projected("domain_w", "Domain prior, W", LatentProjectionSettings(space="w"))
