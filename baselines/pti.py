"""Pivotal tuning inversion (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021).

For every image by itself: a pivot in W by descent, then the domain's generator is tuned until it renders the image from
the pivot. The first row of MyStyle's Table 4. Nothing is learned of the person, so the reference photos are not looked
at. Other degradations than none, which the paper does not treat, enter both losses as in MyStyle's Eq. 5.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch

from baselines.common.latent_prior import named, render, walk
from mystyle.degradations import Identity
from mystyle.domains.domain import Domain
from mystyle.networks.features import PerceptualDistance
from mystyle.networks.stylegan2 import Generator
from mystyle.pivots import PTI
from mystyle.progress import report
from mystyle.projection import LatentProjectionSettings, LatentStatistics, latent_statistics, project_latent
from mystyle.training import require_finite
from mystyle.types import LENGTH, Degradation, Image, Portraits, W, WPlus


@dataclass(frozen=True)
class PivotalTuning:
    """PTI's Eq. 3 for one image; the defaults are those of its code, where locality regularisation is off."""

    steps: int = field(default=350, metadata=LENGTH)
    learning_rate: float = 3e-4
    """of Adam (0.9, 0.999)"""
    l2_weight: float = 1.0
    """lambda_L2"""
    stop_below: float = 0.06
    """the perceptual distance at which tuning ends, looked at before every step"""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""
    pivot: LatentProjectionSettings = PTI
    """decides the pivots"""
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    """decides the generators"""


@dataclass(frozen=True)
class Pivots:
    """n inverted images."""

    w: WPlus
    """[n, num_ws, w_dim], all layers alike"""
    generators: tuple[Generator, ...]
    """one for each image"""


@dataclass(frozen=True)
class PtiPrior:
    generator: Generator
    perceptual: PerceptualDistance
    settings: Settings
    directions: Mapping[str, W] = field(default_factory=dict)

    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.generator)

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """Each tuned generator at its pivot."""
        return self._render(self._invert(degraded, degradation, seeds)).to(degraded)

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Pivots:
        return self._invert(images, Identity(), seeds)

    def edit(self, code: Pivots, direction: str, strengths: Sequence[float]) -> Image:
        """w + theta n in each image's own generator: [n * S, 3, R, R], strengths running fastest."""
        ws = walk(code.w, named(self.directions, direction), strengths)
        repeated = tuple(g for g in code.generators for _ in strengths)
        return self._render(Pivots(ws, repeated))

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""

    def _invert(self, target: Image, phi: Degradation, seeds: Sequence[int]) -> Pivots:
        """Eq. 1 for all images at once, Eq. 3 for one after the other."""
        found = project_latent(
            target, phi, self.generator, self.perceptual, self.statistics, self.settings.pivot, seeds=seeds
        )
        generators = []
        for i, w in enumerate(found.w):
            one = target[i : i + 1].to(w), phi[i : i + 1]
            generators.append(tune_at_pivot(self.generator, w[None], *one, self.perceptual, self.settings.tuning))
            report("pivotal tuning", i + 1, len(target))
        return Pivots(found.w, tuple(generators))

    @staticmethod
    def _render(code: Pivots) -> Image:
        return torch.cat([render(g, w[None]) for g, w in zip(code.generators, code.w, strict=True)])


@torch.enable_grad()
def tune_at_pivot(
    generator: Generator, w: WPlus, target: Image, phi: Degradation, perceptual: PerceptualDistance, s: PivotalTuning
) -> Generator:
    """A copy of ``generator`` with min over theta of Eq. 1 between phi(G_theta(w)) and ``target`` (Eq. 3), frozen.

    ``w`` is [1, num_ws, w_dim], ``target`` [1, 3, h, w]. Raises FloatingPointError if the loss ceases to be finite.
    """
    tuned = copy.deepcopy(generator)
    tuned.synthesis.requires_grad_(True)
    optimizer = torch.optim.Adam(tuned.synthesis.parameters(), s.learning_rate, fused=True)
    with torch.no_grad():
        features = perceptual.features(target)
    for step in range(s.steps):
        output = phi(tuned.synthesis(w, noise="const"))
        distance = perceptual.to_target(output, features)
        if float(distance.detach()) <= s.stop_below:
            break
        loss = (distance + s.l2_weight * (output - target).square().mean()).sum()
        require_finite(loss, "pivotal tuning", step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return tuned.requires_grad_(False)


class Pti:
    name = "pti"
    version = 1
    title = "PTI"
    does = ("inpaint", "upscale", "invert", "edit")
    presets: ClassVar[Mapping[str, Settings]] = {
        "smoke": Settings(pivot=replace(PTI, steps=10), tuning=PivotalTuning(steps=5)),
        "quick": Settings(pivot=replace(PTI, steps=150, learning_rate=0.05), tuning=PivotalTuning(100, 1e-3)),
        "full": Settings(),
        "paper": Settings(),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> PtiPrior:
        return PtiPrior(domain.generator, domain.perceptual, settings, domain.directions)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> PtiPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = Pti()
