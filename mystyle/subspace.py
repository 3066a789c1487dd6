"""The personalised subspace in generalised barycentric coordinates (section 3.2 of MyStyle).

With M the matrix of the anchors w_1..w_N, a point of the subspace is w = M alpha with

    A_beta = { alpha in R^N : sum_i alpha_i = 1, alpha_i >= -beta }      Eq. 3
    P_beta = { M alpha : alpha in A_beta }                               Eq. 4

P_0 is the convex hull of the anchors, beta dilates it. alpha+ gives every layer of the generator an alpha of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.anchors import Anchors
from mystyle.types import W


@dataclass(frozen=True)
class AlphaCode:
    """Codes in alpha+ space that remember whose anchors they are coordinates of."""

    alpha: Tensor
    """[n, num_ws, N], every row in A_beta."""
    anchors: str
    """``Anchors.hash``"""


def constrain(alpha: Tensor, beta: float | None, sharpness: float = 100.0, normalize: bool = True) -> Tensor:
    """Unrestricted coordinates [..., N] to A_beta: Eq. 7 elementwise, then division by the sum over N.

    ``beta`` None leaves the coordinates unbounded (P_inf). Eq. 7 alone gives entries above -beta; the division makes
    rows sum to one and moves the bound to -beta / sum, which is why Eq. 8 keeps the sum near one during projection.
    """
    if beta is not None:
        if beta < 0:
            raise ValueError(f"beta must be >= 0 or None (unbounded), got {beta}")
        alpha = F.softplus(alpha + beta, beta=sharpness) - beta  # Eq. 7; softplus_s(x) = log(1 + e^(s x)) / s
    return alpha / alpha.sum(dim=-1, keepdim=True) if normalize else alpha


def to_w(alpha: Tensor, anchors: Anchors) -> Tensor:
    """Eq. 4, w = M alpha: coordinates [..., N] to codes [..., w_dim]."""
    return alpha @ anchors.codes


def dilation(alpha: Tensor) -> Tensor:
    """The least beta with alpha in A_beta: max(0, -min_i alpha_i), [..., N] to [...].

    Not the paper's |min_i alpha_i|, which reports a dilation for points strictly inside the convex hull.
    """
    return (-alpha.amin(dim=-1)).clamp(min=0)


def sample_a0(count: int, n: int, generator: torch.Generator) -> Tensor:
    """B.1: n points [n, count] of A_0 with three non-zero entries (all ``count`` where there are fewer).

    Three distinct anchors, three scalars from [0, 1) divided by their sum; this is not the uniform distribution on
    the triangle. All draws of a row are consecutive, so the first rows do not depend on ``n``.
    """
    scores, scalars = torch.rand(n, count + 3, generator=generator, device=generator.device).split([count, 3], dim=1)
    chosen = scores.topk(min(3, count)).indices
    scalars = scalars[:, : chosen.shape[1]]
    return torch.zeros_like(scores).scatter(1, chosen, scalars / scalars.sum(dim=1, keepdim=True))


def sample_p0(anchors: Anchors, n: int, generator: torch.Generator) -> W:
    """B.1: n codes [n, w_dim] from the convex hull of the anchors."""
    return to_w(sample_a0(len(anchors), n, generator).to(anchors.codes), anchors)
