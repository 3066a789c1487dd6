"""Pivotal tuning inversion (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021).

For every image by itself: a pivot in W by descent, then the domain's generator is tuned until it renders the image from
the pivot. The first row of MyStyle's Table 4. Nothing is learned of the person, so the reference photos are not used.
Other degradations than none, which the paper does not treat, enter both losses as in MyStyle's Eq. 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from torch import Tensor

from mystyle.descent import Ramps
from mystyle.domains.domain import Domain
from mystyle.inversion import ByProjection, Inversion, OwnGenerators
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.pivotal import PivotalTuning, tune_at_pivot
from mystyle.pivots import PTI
from mystyle.progress import report
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.protocols import Method
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Degradation, Image, Portraits


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""
    pivot: LatentProjectionSettings = PTI
    """decides the pivots"""
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    """decides the generators"""


@dataclass(frozen=True)
class PtiPrior(ByProjection):
    generator: Generator
    perceptual: PerceptualDistance
    settings: Settings

    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.generator)

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """Eq. 1 for all images at once, Eq. 3 for one after the other; the images are each tuned generator's."""
        s, phi = self.settings, degradation
        found = project_latent(degraded, phi, self.generator, self.perceptual, self.statistics, s.pivot, seeds=seeds)
        generators = []
        for i, w in enumerate(found.ws):
            one = degraded[i : i + 1].to(w), phi[i : i + 1]
            generators.append(tune_at_pivot(self.generator, w[None], *one, self.perceptual, s.tuning))
            report("pivotal tuning", i + 1, len(degraded))
        renderer = OwnGenerators(tuple(generators))
        return Inversion.of(renderer, found.ws, renderer(found.ws, found.rows), found.losses)

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(OwnGenerators.read(self.generator, tensors), tensors)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


class Pti(Method):
    name = "pti"
    version = 1
    title = "PTI"
    does = ("inpaint", "upscale", "invert")
    personal = False
    presets: Mapping[str, Settings] = {
        "smoke": Settings(pivot=replace(PTI, steps=10), tuning=PivotalTuning(steps=5)),
        "quick": Settings(pivot=replace(PTI, steps=150, schedule=Ramps(0.05)), tuning=PivotalTuning(100, 1e-3)),
        "full": Settings(),
        "paper": Settings(),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> PtiPrior:
        return PtiPrior(domain.generator, domain.perceptual, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> PtiPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = Pti()
