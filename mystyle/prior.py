"""MyStyle as a method of the benchmark: anchors, tuning, and the verbs of the tuned subspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from mystyle import editing, projection, tuning
from mystyle.checkpoints import load_generator, save_generator
from mystyle.descent import Ramps
from mystyle.domains.domain import Domain
from mystyle.editing import EditSettings
from mystyle.inversion import ByProjection, Inversion, SharedGenerator
from mystyle.latents.anchors import Anchors, encode_anchors, outer_half, with_midpoints
from mystyle.latents.statistics import latent_statistics
from mystyle.latents.subspace import AlphaCode, SamplingSettings, sample, to_w
from mystyle.projection import (
    AlphaInversion,
    LatentProjectionSettings,
    ProjectionSettings,
    project,
    project_latent,
)
from mystyle.protocols import Method
from mystyle.roles import Generator, PerceptualDistance
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Degradation, Image, Portraits, WPlus


@dataclass(frozen=True)
class Settings:
    fit: TuningSettings | None = field(default_factory=TuningSettings)
    """decides the personal generator; None: the domain's is not tuned"""
    restore: ProjectionSettings | LatentProjectionSettings = projection.PAPER_TEXT
    """decides projections into it: to P_beta or P+_beta, or to W or W+ of the personal generator (section 4.2)"""
    edit: EditSettings = field(default_factory=EditSettings)
    """decides how far edits go"""
    sample: SamplingSettings = field(default_factory=SamplingSettings)
    """decides where samples come from"""
    basis: Literal["anchors", "dependent", "half"] = "anchors"
    """what spans P once the generator is tuned: the anchors, dependent ones besides, or their outer half (B.3)"""


@dataclass(frozen=True)
class MyStylePrior(ByProjection):
    """A personal generator G_p with its anchors. Restored images stay on their device, samples are on the CPU."""

    generator: Generator
    anchors: Anchors
    perceptual: PerceptualDistance
    settings: Settings

    @cached_property
    def basis(self) -> Anchors:
        """The anchors whose coordinates are sampled and found."""
        if self.settings.basis == "dependent":
            return with_midpoints(self.anchors)
        return outer_half(self.anchors) if self.settings.basis == "half" else self.anchors

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """Section 3.3: an ``AlphaInversion`` unless the settings ask for W or W+, where the seeds matter."""
        s = self.settings.restore
        if isinstance(s, ProjectionSettings):
            found = project(degraded, degradation, self.generator, self.basis, self.perceptual, s)
            return replace(found, editing=self.settings.edit)
        statistics = latent_statistics(self.generator)
        return project_latent(degraded, degradation, self.generator, self.perceptual, statistics, s, seeds=seeds)

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        renderer, s = SharedGenerator(self.generator), self.settings
        found = Inversion.read(renderer, tensors)
        if not isinstance(s.restore, ProjectionSettings):
            return found
        code = AlphaCode(tensors["alpha"], self.basis.hash)
        return AlphaInversion(**vars(found), code=code, anchors=self.basis, editing=s.edit, beta=s.restore.beta)

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Image:
        """Images of n codes of the subspace, [n, 3, R, R]. By B.1, the first ones do not depend on ``n``."""
        draws = torch.Generator().manual_seed(seed)
        w = to_w(sample(self.basis, n, draws, self.settings.sample).to(self.basis.codes), self.basis)
        return self.rendered(w[:, None]).cpu()

    def reconstructions(self) -> Image:
        """The photos as G_p renders them from their anchors, [N, 3, R, R]."""
        return self.render(torch.eye(len(self.anchors))[:, None])

    def render(self, alpha: Tensor) -> Image:
        """The images [n, 3, R, R] of coordinates [n, num_ws, N], or [n, 1, N] alike in all layers."""
        return self.rendered(to_w(alpha.to(self.anchors.codes), self.anchors))

    def rendered(self, w: WPlus) -> Image:
        """[n, num_ws or 1, w_dim] -> [n, 3, R, R]."""
        return SharedGenerator(self.generator)(w.expand(-1, self.generator.num_ws, -1))

    def save(self, folder: Path) -> None:
        save_generator(self.generator, folder / "generator.safetensors")
        self.anchors.save(folder / "anchors.safetensors")


def read_prior(folder: Path, domain: Domain, settings: Settings) -> MyStylePrior:
    """What ``MyStylePrior.save`` wrote. Raises ValueError if a file is damaged."""
    anchors = Anchors.load(folder / "anchors.safetensors", domain.device)
    generator = load_generator(folder / "generator.safetensors").to(domain.device).requires_grad_(False)
    return MyStylePrior(generator, anchors, domain.perceptual, settings)


# At 128 pixels, 16 epochs of 150 photos cost a CPU core 90 seconds, 200 steps of five images 25. The
# projector's rate of 0.1 is made for W; in alpha space it is many times 1/N, and so few steps want a smaller one.
QUICK_TUNING = TuningSettings(epochs=16, batch=4, learning_rate=6e-3, schedule="cosine", shuffle=True)
QUICK_PROJECTION = replace(projection.PAPER_TEXT, steps=200, schedule=Ramps(1e-2))

PAPER = Settings(
    tuning.OFFICIAL_CODE,
    projection.PAPER_TEXT,
    editing.PAPER_TEXT,
    SamplingSettings("b1", beta=0.0),  # B.1: three anchors, inside the hull
)
"""The letter: every field is the paper's, or the released code's where the text is silent; each says which."""


class MyStyle(Method):
    """Nitzan et al., "MyStyle: A Personalized Generative Prior", 2022."""

    name = "mystyle"
    version = 2
    title = "MyStyle (ours)"
    does = ("sample", "inpaint", "upscale", "invert")
    presets: Mapping[str, Settings] = {
        "smoke": Settings(replace(QUICK_TUNING, epochs=1), replace(QUICK_PROJECTION, steps=10)),
        "quick": Settings(QUICK_TUNING, QUICK_PROJECTION),
        "full": Settings(replace(QUICK_TUNING, epochs=400), replace(QUICK_PROJECTION, steps=500)),
        "paper": PAPER,
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> MyStylePrior:
        photos = person.images.to(domain.device)
        anchors = encode_anchors(replace(person, images=photos), domain.encoder)
        generator = domain.generator
        if settings.fit is not None:
            generator = tune(generator, anchors, photos, domain.perceptual, settings.fit, seed=seed)
        return MyStylePrior(generator, anchors, domain.perceptual, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> MyStylePrior:
        """Raises ValueError if the anchors in ``folder`` are not of the photos of ``person``."""
        prior = read_prior(folder, domain, settings)
        if prior.anchors.names != person.files:
            raise ValueError(f"{folder}: tuned on other photos than those of {person.person}; delete it to tune again")
        return prior


METHOD = MyStyle()
