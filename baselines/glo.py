"""MyStyle with its anchors trained together with the generator (appendix C.3), which resembles GLO.

GLO is Bojanowski et al., "Optimizing the Latent Space of Generative Networks", 2018. C.3 names neither the anchors'
learning rate nor their start nor the sampling. Rate and start are settings (suite ``anchor_training``); by default we
start at the encoder's codes, give them to the optimiser of Eq. 2, and sample and project as MyStyle does, so that the
anchors' freedom is all that differs. GLO's unit ball has no counterpart in W and is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mystyle.domains.domain import Domain
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.prior import MyStyle, MyStylePrior
from mystyle.prior import Settings as MyStyleSettings
from mystyle.tuning import Tuning, TuningSettings, minimise
from mystyle.types import Image, Portraits


@dataclass(frozen=True)
class GloSettings(TuningSettings):
    anchor_rate: float = 1e-2
    """learning rate of the anchors"""
    start: Literal["encoder", "mean", "random"] = "encoder"
    """of the anchors: the encoder's codes, the mean code of W, or codes of random z (GLO's own start is random)"""


class GloTuning(Tuning):
    """Eq. 2 minimised over theta and the w_i: batches of (position of the photo [n], photo [n, 3, R, R])."""

    settings: GloSettings

    def __init__(self, codes: Tensor, *arguments: Any):
        super().__init__(*arguments)
        self.codes = nn.Parameter(codes.clone())

    def training_step(self, batch: tuple[Tensor, Image], index: int) -> Tensor:
        positions, x = batch
        return super().training_step((self.codes[positions], x), index)

    def groups(self) -> list[dict[str, Any]]:
        return [*super().groups(), {"params": [self.codes], "lr": self.settings.anchor_rate}]


@dataclass(frozen=True)
class GloPrior(MyStylePrior):
    start: Anchors
    """the anchors before the training"""
    statistics: LatentStatistics
    """of the domain's W"""

    @property
    def facts(self) -> Mapping[str, float]:
        """``anchor_displacement``: RMS distance of the anchors from their start, in standard deviations of W."""
        moved = (self.anchors.codes - self.start.codes).square().sum(dim=1).mean().sqrt()
        return {"anchor_displacement": float(moved) / self.statistics.std}

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.start.save(folder / "start.safetensors")


class Glo(MyStyle):
    name = "glo"
    version = 2
    title = "GLO (anchors trained)"
    presets: Mapping[str, MyStyleSettings] = {
        name: replace(settings, fit=GloSettings(**vars(settings.fit))) for name, settings in MyStyle.presets.items()
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: MyStyleSettings) -> GloPrior:
        assert isinstance(settings.fit, GloSettings)
        photos, statistics = person.images.to(domain.device), latent_statistics(domain.generator)
        start = started(replace(person, images=photos), domain, statistics, settings.fit.start, seed)
        personal = copy.deepcopy(domain.generator).requires_grad_(False)
        module = GloTuning(start.codes, personal, domain.generator, domain.perceptual, settings.fit, seed)
        minimise(module, personal, torch.arange(len(photos)), photos, checkpoint=None)
        anchors = Anchors(module.codes.detach(), person.files)
        return GloPrior(personal, anchors, domain.perceptual, settings, start, statistics)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: MyStyleSettings) -> GloPrior:
        """Raises ValueError if the anchors in ``folder`` are not of the photos of ``person``."""
        found = super().load(folder, person, domain, settings=settings)
        start = Anchors.load(folder / "start.safetensors", domain.device)
        return GloPrior(**vars(found), start=start, statistics=latent_statistics(domain.generator))


def started(person: Portraits, domain: Domain, statistics: LatentStatistics, start: str, seed: int) -> Anchors:
    """Where the anchors begin; ``seed`` decides random ones."""
    if start == "encoder":
        return encode_anchors(person, domain.encoder)
    if start == "mean":
        return Anchors(statistics.mean.repeat(len(person), 1), person.files)
    z = torch.randn(len(person), domain.generator.z_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return Anchors(domain.generator.mapping.w(z.to(statistics.mean)), person.files)


METHOD = Glo()
