"""A generator used as a prior by projection into its latent space: what several rivals leave behind.

The domain's own generator is one, and so are those that are trained on adversarially (DiffAugment, Ojha et al.).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from mystyle.checkpoints import save_generator
from mystyle.degradations import Identity
from mystyle.networks.features import PerceptualDistance
from mystyle.networks.stylegan2 import Generator
from mystyle.projection import LatentProjectionSettings, LatentStatistics, Projection, latent_statistics, project_latent
from mystyle.types import Degradation, Image, Unsupported, W, WPlus

EARLY_STOPPED = LatentProjectionSettings(steps=200, space="w")
"""MyStyle's projections into rivals trained adversarially (B.2), which else drift from the person"""


@dataclass(frozen=True)
class LatentPrior:
    """Samples of the generator, projections to its W or W+, and edits of codes along directions of W."""

    generator: Generator
    perceptual: PerceptualDistance
    projection: LatentProjectionSettings
    truncation: float
    """psi of samples"""
    directions: Mapping[str, W] = field(default_factory=dict)
    """of the domain; a personal generator that grew out of the domain's is edited along the same ones"""

    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.generator)

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The image of the projection; ``seeds[i]`` decides the exploration noise of row i."""
        return self._project(degraded, degradation, seeds).images.to(degraded)

    def invert(self, images: Image, *, seeds: Sequence[int]) -> WPlus:
        """The codes of clean images, [n, num_ws, w_dim]."""
        return self._project(images, Identity(), seeds).w

    def edit(self, code: WPlus, direction: str, strengths: Sequence[float]) -> Image:
        """w + theta n in all layers: [n * S, 3, R, R], strengths running fastest."""
        return render(self.generator, self.walked(code, direction, strengths))

    def walked(self, code: WPlus, direction: str, strengths: Sequence[float]) -> WPlus:
        """The codes of ``edit``, [n * S, num_ws, w_dim]."""
        return walk(code, named(self.directions, direction), strengths)

    def sample(self, n: int, *, seed: int) -> Image:
        """Images of n random z, truncated: [n, 3, R, R]; the first ones do not depend on ``n``."""
        z = torch.randn(n, self.generator.z_dim, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            ws = self.generator.mapping(z.to(self.statistics.mean), truncation=self.truncation)
        return render(self.generator, ws).cpu()

    def _project(self, target: Image, phi: Degradation, seeds: Sequence[int]) -> Projection:
        return project_latent(
            target, phi, self.generator, self.perceptual, self.statistics, self.projection, seeds=seeds
        )

    def save(self, folder: Path) -> None:
        save_generator(self.generator, folder / "generator.safetensors")


@torch.no_grad()
def render(generator: Generator, ws: WPlus, batch: int = 16) -> Image:
    """G at any number of codes, ``batch`` at a time."""
    return torch.cat([generator.synthesis(part, noise="const") for part in ws.split(batch)])


def walk(code: WPlus, direction: W, strengths: Sequence[float]) -> WPlus:
    """Every code [n, num_ws, w_dim] moved by every strength: [n * S, num_ws, w_dim], strengths running fastest."""
    theta = torch.tensor(strengths, dtype=torch.float32).to(code)
    return (code[:, None] + theta[:, None, None] * direction.to(code)).flatten(0, 1)


def named(directions: Mapping[str, Tensor], name: str) -> W:
    """Raises Unsupported for a direction that the domain does not have."""
    if name not in directions:
        raise Unsupported(f"unknown direction {name!r}; this domain has: {', '.join(directions) or 'none'}")
    return directions[name]
