"""A generator used as a prior by projection into its latent space.

The domain's own generator is one, and so are those that are fine-tuned adversarially (DiffAugment, Ojha et al.).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from mystyle.checkpoints import save_generator
from mystyle.inversion import ByProjection, Inversion, SharedGenerator
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Degradation, Image

EARLY_STOPPED = LatentProjectionSettings(steps=200, space="w")
"""MyStyle's projections into generators trained adversarially (B.2), which else drift from the person"""


@dataclass(frozen=True)
class LatentPrior(ByProjection):
    """Samples of the generator, and projections to its W or W+."""

    generator: Generator
    perceptual: PerceptualDistance
    projection: LatentProjectionSettings
    truncation: float
    """psi of samples"""

    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.generator)

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """StyleGAN2's projector; ``seeds[i]`` decides the exploration noise of row i."""
        return project_latent(
            degraded, degradation, self.generator, self.perceptual, self.statistics, self.projection, seeds=seeds
        )

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(SharedGenerator(self.generator), tensors)

    def sample(self, n: int, *, seed: int) -> Image:
        """Images of n random z, truncated: [n, 3, R, R]; the first ones do not depend on ``n``."""
        z = torch.randn(n, self.generator.z_dim, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            ws = self.generator.mapping(z.to(self.statistics.mean), truncation=self.truncation)
        return SharedGenerator(self.generator)(ws).cpu()

    def save(self, folder: Path) -> None:
        save_generator(self.generator, folder / "generator.safetensors")
