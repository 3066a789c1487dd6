"""What embeddings of single images into the domain's generator share: nothing is fitted to a person or kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from mystyle.descent import OnStep, in_batches
from mystyle.domains.domain import Domain
from mystyle.inversion import BATCH, Inversion, SharedGenerator, renderer_of
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.protocols import Method, OwnNetwork
from mystyle.types import Degradation, Image, Portraits, WPlus

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class EmbeddingPrior(Generic[Settings]):
    """Subclasses write ``project``, and are ``ByProjection``, or invert alone, as those below do."""

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


class ByEncoder(EmbeddingPrior[Settings]):
    """Codes by one pass of an encoder."""

    @abstractmethod
    def encode(self, images: Image) -> WPlus:
        """One batch: [n, 3, R, R] -> [n, num_ws, w_dim]."""

    @torch.no_grad()
    def codes(self, images: Image) -> WPlus:
        """``encode`` of any number of images."""
        return torch.cat([self.encode(part.to(self.domain.device)) for part in images.split(BATCH)])

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """E(x). Nothing is random, and there is no objective: the losses are [n, 0]."""
        ws, renderer = self.codes(images), SharedGenerator(self.domain.generator)
        return Inversion.of(renderer, ws, renderer(ws), torch.empty(len(ws), 0))


class ByDescent(EmbeddingPrior[Settings]):
    """Codes by a descent whose start is not random; ``settings.invert`` are its ``DescentSettings``."""

    settings: Any

    @abstractmethod
    def found(self, target: Image, on_step: OnStep) -> tuple[WPlus, Tensor]:
        """Codes and losses [n, steps] of one batch."""

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """Nothing is random."""
        renderer = SharedGenerator(self.domain.generator)

        def find(rows: slice, on_step: OnStep) -> tuple[Tensor, ...]:
            return self.found(images[rows].to(self.statistics.mean), on_step)

        ws, losses = in_batches(len(images), self.settings.invert, "projection", find)
        return Inversion.of(renderer, ws, renderer(ws), losses)


class Embedding(Method):
    """A method whose prior is ``prior(domain, settings)``, mostly an ``EmbeddingPrior``, whoever the person is."""

    personal = False

    def __init__(
        self,
        name: str,
        title: str,
        prior: Callable[[Domain, Any], Any],
        presets: Mapping[str, Any],
        does: tuple[str, ...] = ("inpaint", "upscale", "invert"),
        networks: tuple[OwnNetwork, ...] = (),
        version: int = 1,
    ):
        self.name, self.title, self.prior, self.presets, self.does = name, title, prior, presets, does
        self.networks, self.version = networks, version

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Any) -> Any:
        return self.prior(domain, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Any) -> Any:
        return self.prior(domain, settings)
