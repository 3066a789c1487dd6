"""The domain's generator as it is, projected to W: what is possible without knowing the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselines.common.latent_prior import LatentPrior
from mystyle.domains.domain import Domain
from mystyle.projection import LatentProjectionSettings
from mystyle.protocols import Method
from mystyle.types import Portraits


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


class DomainPrior(Method):
    """The method for one latent space. StyleGAN2's projector, 1000 steps; the reference photos are not looked at."""

    version = 1
    does = ("sample", "inpaint", "upscale", "invert")
    personal = False

    def __init__(self, name: str, title: str, projection: LatentProjectionSettings):
        self.name, self.title = name, title
        steps = {"smoke": 10, "quick": 250, "full": 1000, "paper": 1000}
        self.presets: Mapping[str, Settings] = {
            preset: Settings(restore=replace(projection, steps=n)) for preset, n in steps.items()
        }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> UntunedPrior:
        return UntunedPrior(domain.generator, domain.perceptual, settings.restore, settings.truncation)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> UntunedPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = DomainPrior("domain_w", "Domain prior, W", LatentProjectionSettings(space="w"))
