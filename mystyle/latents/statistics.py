"""Where the codes of a mapping network lie: the starting point and the unit of length of StyleGAN2's projector."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mystyle.roles import Generator
from mystyle.types import W


@dataclass(frozen=True)
class LatentStatistics:
    """Where the codes of a mapping network lie; the projector's starting point and unit of length."""

    mean: W
    """[w_dim]"""
    std: float
    """sqrt(E ||w - mean||^2): one number, the RMS distance from the mean and not a deviation per coordinate"""


@torch.no_grad()
def latent_samples(generator: Generator, samples: int = 10_000) -> W:
    """The codes [samples, w_dim] of the fixed z (seed 123) that StyleGAN2's projector takes."""
    z = torch.randn(samples, generator.z_dim, generator=torch.Generator().manual_seed(123))
    return generator.mapping(z.to(generator.mapping.w_avg))[:, 0]


def latent_statistics(generator: Generator, samples: int = 10_000) -> LatentStatistics:
    """From ``latent_samples``."""
    w = latent_samples(generator, samples)
    mean = w.mean(dim=0)
    return LatentStatistics(mean, (w - mean).square().sum(dim=1).mean().sqrt().item())


def centre_truncation(generator: Generator) -> None:
    """Truncation contracts to the mean of ``latent_statistics`` from now on; training had moved it."""
    generator.mapping.w_avg.copy_(latent_statistics(generator).mean)
