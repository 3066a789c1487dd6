"""MyStyle as a method of the benchmark: anchors, tuning, and the verbs of the tuned subspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch

from mystyle.anchors import Anchors, encode_anchors
from mystyle.checkpoints import load_generator, save_generator
from mystyle.degradations import Identity
from mystyle.domain import Domain
from mystyle.perceptual import PerceptualDistance
from mystyle.projection import PAPER_TEXT, ProjectionSettings, project
from mystyle.stylegan2 import Generator
from mystyle.subspace import AlphaCode, sample_p0
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Degradation, Image, Portraits


@dataclass(frozen=True)
class Settings:
    fit: TuningSettings = field(default_factory=TuningSettings)
    """decides the personal generator"""
    restore: ProjectionSettings = PAPER_TEXT
    """decides projections into it"""


@dataclass(frozen=True)
class MyStylePrior:
    """A personal generator G_p with its anchors. Restored images stay on their device, samples are on the CPU."""

    generator: Generator
    anchors: Anchors
    perceptual: PerceptualDistance
    settings: Settings

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """Section 3.3: G_p at the projection to alpha+ space. Deterministic, ``seeds`` are not used."""
        p = project(degraded, degradation, self.generator, self.anchors, self.perceptual, self.settings.restore)
        return p.images.to(degraded)

    def invert(self, images: Image, *, seeds: Sequence[int]) -> AlphaCode:
        """The projection of clean images: coordinates [n, num_ws, N] in alpha+ space. ``seeds`` are not used."""
        p = project(images, Identity(), self.generator, self.anchors, self.perceptual, self.settings.restore)
        return p.code

    @torch.no_grad()
    def sample(self, n: int, *, seed: int, batch: int = 16) -> Image:
        """B.1: images of n codes of P_0, [n, 3, R, R]; the first ones do not depend on ``n``."""
        w = sample_p0(self.anchors, n, torch.Generator().manual_seed(seed))
        ws = w[:, None].expand(-1, self.generator.num_ws, -1)
        return torch.cat([self.generator.synthesis(part, noise="const") for part in ws.split(batch)]).cpu()

    def save(self, folder: Path) -> None:
        save_generator(self.generator, folder / "generator.safetensors")
        self.anchors.save(folder / "anchors.safetensors")


# At 128 pixels, 16 passes over 150 photos cost a CPU core 90 seconds, 250 steps of five images 30. The
# projector's rate of 0.1 is made for W; in alpha space it is many times 1/N, and so few steps want a smaller one.
QUICK = Settings(
    TuningSettings(passes=16, batch=4, learning_rate=2e-3, schedule="cosine", shuffle=True),
    replace(PAPER_TEXT, steps=250, learning_rate=1e-2),
)


class MyStyle:
    """Nitzan et al., "MyStyle: A Personalized Generative Prior", 2022."""

    name = "mystyle"
    version = 1
    title = "MyStyle (ours)"
    presets: ClassVar[Mapping[str, Settings]] = {
        "smoke": Settings(replace(QUICK.fit, passes=1), replace(QUICK.restore, steps=10)),
        "quick": QUICK,
        "full": Settings(replace(QUICK.fit, passes=200), replace(QUICK.restore, steps=1000)),
        "paper": Settings(TuningSettings(), PAPER_TEXT),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> MyStylePrior:
        photos = person.images.to(domain.device)
        anchors = encode_anchors(replace(person, images=photos), domain.encoder)
        generator = tune(domain.generator, anchors, photos, domain.perceptual, settings.fit, seed=seed)
        return MyStylePrior(generator, anchors, domain.perceptual, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> MyStylePrior:
        """Raises ValueError if the anchors in ``folder`` are not of the photos of ``person``."""
        anchors = Anchors.load(folder / "anchors.safetensors", domain.device)
        if anchors.names != person.files:
            raise ValueError(f"{folder}: tuned on other photos than those of {person.person}; delete it to tune again")
        generator = load_generator(folder / "generator.safetensors").to(domain.device).requires_grad_(False)
        return MyStylePrior(generator, anchors, domain.perceptual, settings)


METHOD = MyStyle()
