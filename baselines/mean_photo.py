"""Floor: the hole is filled from the mean of the person's photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mystyle.domains.domain import Domain
from mystyle.protocols import Method
from mystyle.types import Degradation, Image, Portraits


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


@dataclass(frozen=True)
class MeanPhotoPrior:
    mean: Image
    """[1, 3, R, R]"""

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The mean photo for every input."""
        return self.mean.to(degraded).repeat(len(degraded), 1, 1, 1)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the photos."""


class MeanPhoto(Method):
    name = "mean_photo"
    version = 1
    title = "Mean photo"
    does = ("inpaint", "upscale")
    presets: Mapping[str, Settings] = {name: Settings() for name in ("smoke", "quick", "full", "paper")}

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> MeanPhotoPrior:
        return MeanPhotoPrior(person.images.mean(dim=0, keepdim=True))

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> MeanPhotoPrior:
        return MeanPhotoPrior(person.images.mean(dim=0, keepdim=True))


METHOD = MeanPhoto()
