"""Floor of super-resolution: the input enlarged by Lanczos's filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mystyle.compositing import lanczos
from mystyle.domains.domain import Domain
from mystyle.protocols import Method
from mystyle.types import Degradation, Image, Portraits, Unsupported


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


@dataclass(frozen=True)
class LanczosPrior:
    resolution: int

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The enlarged input. Raises Unsupported where it has its full size already."""
        if degraded.shape[-1] >= self.resolution:
            raise Unsupported("the input is not smaller than the photo: there is nothing to enlarge")
        return lanczos(degraded, self.resolution)

    def save(self, folder: Path) -> None:
        """Nothing: the resolution is the domain's."""


class Lanczos(Method):
    name = "lanczos"
    version = 1
    title = "Lanczos"
    does = ("upscale",)
    personal = False
    presets: Mapping[str, Settings] = {name: Settings() for name in ("smoke", "quick", "full", "paper")}

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> LanczosPrior:
        return LanczosPrior(domain.resolution)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> LanczosPrior:
        return LanczosPrior(domain.resolution)


METHOD = Lanczos()
