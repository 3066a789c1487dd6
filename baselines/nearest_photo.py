"""Floor: the hole is filled from the reference photo that, degraded alike, is closest to the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mystyle.domains.domain import Domain
from mystyle.protocols import Method
from mystyle.types import Degradation, Image, Portraits


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


@dataclass(frozen=True)
class NearestPhotoPrior:
    photos: Image
    """[N, 3, R, R]"""

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """argmin over photos x of ||phi(x) - I_d||_2, for every input; for inpainting phi keeps the known pixels."""
        return torch.stack([self._nearest(degraded[i], degradation[i : i + 1]) for i in range(len(degraded))])

    def _nearest(self, target: Image, phi: Degradation) -> Image:
        photos = self.photos.to(target)
        distance = (phi(photos) - target).square().flatten(1).sum(dim=1)
        return photos[distance.argmin()]

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the photos."""


class NearestPhoto(Method):
    name = "nearest_photo"
    version = 1
    title = "Nearest photo"
    does = ("inpaint", "upscale")
    presets: Mapping[str, Settings] = {name: Settings() for name in ("smoke", "quick", "full", "paper")}

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> NearestPhotoPrior:
        return NearestPhotoPrior(person.images)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> NearestPhotoPrior:
        return NearestPhotoPrior(person.images)


METHOD = NearestPhoto()
