"""MyStyle as a method of the benchmark: anchors, tuning, and the verbs of the tuned subspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from mystyle.checkpoints import load_generator, save_generator
from mystyle.degradations import Identity
from mystyle.domains.domain import Domain
from mystyle.editing import Edits, EditSettings, edit
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.latents.subspace import AlphaCode, SamplingSettings, sample, to_w
from mystyle.networks.features import PerceptualDistance
from mystyle.networks.stylegan2 import Generator
from mystyle.projection import (
    PAPER_TEXT,
    LatentProjectionSettings,
    Projection,
    ProjectionSettings,
    latent_statistics,
    project,
    project_latent,
)
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Degradation, Image, Portraits, Unsupported, W, WPlus


@dataclass(frozen=True)
class Settings:
    fit: TuningSettings | None = field(default_factory=TuningSettings)
    """decides the personal generator; None: the domain's is not tuned"""
    restore: ProjectionSettings | LatentProjectionSettings = PAPER_TEXT
    """decides projections into it: to P_beta or P+_beta, or to W or W+ of the personal generator (section 4.2)"""
    edit: EditSettings = field(default_factory=EditSettings)
    """decides how far edits go"""
    sample: SamplingSettings = field(default_factory=SamplingSettings)
    """decides where samples come from"""


@dataclass(frozen=True)
class MyStylePrior:
    """A personal generator G_p with its anchors. Restored images stay on their device, samples are on the CPU."""

    generator: Generator
    anchors: Anchors
    perceptual: PerceptualDistance
    settings: Settings
    directions: Mapping[str, W] = field(default_factory=dict)

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """Section 3.3: G_p at the projection. ``seeds[i]`` matters in W and W+ alone, to the exploration noise."""
        return self.project(degraded, degradation, seeds=seeds).images.to(degraded)

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Projection:
        """Section 3.3, with codes and losses; an ``AlphaProjection`` unless the settings ask for W or W+."""
        s = self.settings.restore
        if isinstance(s, ProjectionSettings):
            return project(degraded, degradation, self.generator, self.anchors, self.perceptual, s)
        statistics = latent_statistics(self.generator)
        seeds = range(len(degraded)) if seeds is None else seeds
        return project_latent(degraded, degradation, self.generator, self.perceptual, statistics, s, seeds=seeds)

    def invert(self, images: Image, *, seeds: Sequence[int]) -> AlphaCode:
        """The projection of clean images: coordinates [n, num_ws, N] in alpha+ space. ``seeds`` are not used."""
        return self.project(images, Identity()).code

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Image:
        """Images of n codes of the subspace, [n, 3, R, R]. By B.1, the first ones do not depend on ``n``."""
        draws = torch.Generator().manual_seed(seed)
        return self.render(sample(self.anchors, n, draws, self.settings.sample)[:, None]).cpu()

    def reconstructions(self) -> Image:
        """The photos as G_p renders them from their anchors, [N, 3, R, R]."""
        return self.render(torch.eye(len(self.anchors))[:, None])

    @torch.no_grad()
    def render(self, alpha: Tensor, batch: int = 16) -> Image:
        """The images [n, 3, R, R] of coordinates [n, num_ws, N], or [n, 1, N] alike in all layers."""
        ws = to_w(alpha.to(self.anchors.codes), self.anchors).expand(-1, self.generator.num_ws, -1)
        return torch.cat([self.generator.synthesis(part, noise="const") for part in ws.split(batch)])

    def edit(self, code: AlphaCode, direction: str, strengths: Sequence[float]) -> Image:
        """Section 3.4: [n * S, 3, R, R], strengths running fastest. Raises Unsupported for an unknown direction."""
        return self.render(self.walk(code, direction, strengths).code.alpha)

    def walked(self, code: AlphaCode, direction: str, strengths: Sequence[float]) -> WPlus:
        """The codes of ``edit``, [n * S, num_ws, w_dim]."""
        return to_w(self.walk(code, direction, strengths).code.alpha, self.anchors)

    def walk(self, code: AlphaCode, direction: str | W, strengths: Sequence[float]) -> Edits:
        """The edited codes, with endpoints and dilations; the direction by name or as a vector of W."""
        if isinstance(direction, str):
            if direction not in self.directions:
                known = ", ".join(self.directions) or "none"
                raise Unsupported(f"unknown direction {direction!r}; this domain has: {known}")
            direction = self.directions[direction]
        return edit(code, direction, strengths, self.anchors, self.settings.edit)

    def save(self, folder: Path) -> None:
        save_generator(self.generator, folder / "generator.safetensors")
        self.anchors.save(folder / "anchors.safetensors")


def read_prior(folder: Path, domain: Domain, settings: Settings) -> MyStylePrior:
    """What ``MyStylePrior.save`` wrote. Raises ValueError if the files are not those that were written together."""
    anchors = Anchors.load(folder / "anchors.safetensors", domain.device)
    generator = load_generator(folder / "generator.safetensors").to(domain.device).requires_grad_(False)
    return MyStylePrior(generator, anchors, domain.perceptual, settings, domain.directions)


# At 128 pixels, 16 passes over 150 photos cost a CPU core 90 seconds, 250 steps of five images 30. The
# projector's rate of 0.1 is made for W; in alpha space it is many times 1/N, and so few steps want a smaller one.
QUICK = Settings(
    TuningSettings(passes=16, batch=4, learning_rate=6e-3, schedule="cosine", shuffle=True),
    replace(PAPER_TEXT, steps=250, learning_rate=1e-2),
)


class MyStyle:
    """Nitzan et al., "MyStyle: A Personalized Generative Prior", 2022."""

    name = "mystyle"
    version = 1
    title = "MyStyle (ours)"
    does = ("sample", "inpaint", "upscale", "invert", "edit")
    presets: ClassVar[Mapping[str, Settings]] = {
        "smoke": Settings(replace(QUICK.fit, passes=1), replace(QUICK.restore, steps=10)),
        "quick": QUICK,
        "full": Settings(replace(QUICK.fit, passes=400), replace(QUICK.restore, steps=500)),
        "paper": Settings(TuningSettings(), PAPER_TEXT),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> MyStylePrior:
        photos = person.images.to(domain.device)
        anchors = encode_anchors(replace(person, images=photos), domain.encoder)
        generator = domain.generator
        if settings.fit is not None:
            generator = tune(generator, anchors, photos, domain.perceptual, settings.fit, seed=seed)
        return MyStylePrior(generator, anchors, domain.perceptual, settings, domain.directions)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> MyStylePrior:
        """Raises ValueError if the anchors in ``folder`` are not of the photos of ``person``."""
        prior = read_prior(folder, domain, settings)
        if prior.anchors.names != person.files:
            raise ValueError(f"{folder}: tuned on other photos than those of {person.person}; delete it to tune again")
        return prior


METHOD = MyStyle()
