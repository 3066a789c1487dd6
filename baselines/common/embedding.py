"""What embeddings of single images into the domain's generator share: nothing is fitted to a person or kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.inversion import Inversion, renderer_of
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.protocols import Method, OwnNetwork
from mystyle.types import Degradation, Image, Portraits

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class EmbeddingPrior(Generic[Settings]):
    """Subclasses write ``project``, and are ``ByProjection``, or ``invert`` alone."""

    domain: Domain
    settings: Settings

    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.domain.generator)

    def by_descent(
        self,
        degraded: Image,
        degradation: Degradation,
        settings: LatentProjectionSettings,
        seeds: Sequence[int] | None,
        **more: Any,
    ) -> Inversion:
        """``project_latent`` into the domain's generator."""
        d = self.domain
        return project_latent(
            degraded, degradation, d.generator, d.perceptual, self.statistics, settings, seeds=seeds, **more
        )

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(renderer_of(self.domain.generator, tensors), tensors)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


class Embedding(Method):
    """A method whose prior is ``prior(domain, settings)``, mostly an ``EmbeddingPrior``, whoever the person is."""

    version = 1
    personal = False

    def __init__(
        self,
        name: str,
        title: str,
        prior: Callable[[Domain, Any], Any],
        presets: Mapping[str, Any],
        does: tuple[str, ...] = ("inpaint", "upscale", "invert"),
        networks: tuple[OwnNetwork, ...] = (),
    ):
        self.name, self.title, self.prior, self.presets, self.does = name, title, prior, presets, does
        self.networks = networks

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Any) -> Any:
        return self.prior(domain, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Any) -> Any:
        return self.prior(domain, settings)
