"""Interpolation between latent codes, and how much the image changes on the way: perceptual path length."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.types import Image

EPSILON = 1e-4

Interpolation = Callable[[Tensor, Tensor, Tensor], Tensor]


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """a + t (b - a): [n, d] twice and [n] -> [n, d]."""
    return a + t[:, None] * (b - a)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The unit vector a share ``t`` of the angle from a to b: [n, d] twice and [n] -> [n, d], in float64.

    The mapping network normalises its input, so only directions matter in Z.
    """
    a, b = F.normalize(a.double(), dim=1), F.normalize(b.double(), dim=1)
    cosine = (a * b).sum(dim=1, keepdim=True)
    angle = t.double()[:, None] * cosine.clamp(-1, 1).acos()
    return a * angle.cos() + F.normalize(b - cosine * a, dim=1) * angle.sin()


def path_lengths(
    render: Callable[[Tensor], Image],
    distance: Callable[[Image, Image], Tensor],
    a: Tensor,
    b: Tensor,
    t: Tensor,
    interpolate: Interpolation = lerp,
    epsilon: float = EPSILON,
) -> Tensor:
    """d(G(p(t)), G(p(t + epsilon))) / epsilon^2 of n paths from ``a`` to ``b`` (Karras et al., 2019, section 4.1).

    ``a``, ``b`` [n, d], ``t`` [n] in [0, 1] -> [n], not negative. ``distance`` is quadratic for small changes, which
    is why the square of epsilon divides. StyleGAN2 reports t = 0 in W without a crop (Karras et al., 2020, Table 1).
    """
    near, far = render(interpolate(a, b, t)), render(interpolate(a, b, t + epsilon))
    return distance(near, far) / epsilon**2


def trimmed(lengths: Tensor, share: float = 0.01) -> Tensor:
    """Without what lies below the 1st and above the 99th percentile, as NVIDIA's code trims: [n] -> [m]."""
    low = lengths.quantile(share, interpolation="lower")
    high = lengths.quantile(1 - share, interpolation="higher")
    return lengths[(lengths >= low) & (lengths <= high)]


def steps(a: Tensor, b: Tensor, interpolate: Interpolation, n: int) -> Tensor:
    """n points at even steps from ``a`` to ``b``, ends included: [m, d] twice -> [m, n, d]."""
    return torch.stack([interpolate(a, b, t.expand(len(a))) for t in torch.linspace(0, 1, n).to(a)], dim=1)
