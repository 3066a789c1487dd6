"""The personalised subspace in generalised barycentric coordinates (section 3.2 of MyStyle).

With M the matrix of the anchors w_1..w_N, a point of the subspace is w = M alpha with

    A_beta = { alpha in R^N : sum_i alpha_i = 1, alpha_i >= -beta }      Eq. 3
    P_beta = { M alpha : alpha in A_beta }                               Eq. 4

P_0 is the convex hull of the anchors, beta dilates it. alpha+ gives every layer of the generator an alpha of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from mystyle.latents.anchors import NEGLIGIBLE, Anchors
from mystyle.latents.hull import nearest_in_hull
from mystyle.types import W


@dataclass(frozen=True)
class SamplingSettings:
    """Where samples come from: B.1 or what the paper leaves for future work."""

    way: Literal["b1", "dirichlet", "hit_and_run"] = "b1"
    beta: float = 0.0
    """dilation of the set that is sampled; B.1 samples the hull alone"""
    concentration: float = 1.0
    """of ``dirichlet``: 1 is uniform, less is nearer to the faces"""
    sweeps: float = 1.0
    """of ``hit_and_run``"""

    def __post_init__(self) -> None:
        for name, least in (("beta", 0.0), ("concentration", 0.01), ("sweeps", 0.0)):  # smaller Gamma draws underflow
            if not least <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"sampling: {name} is {value}, must be a finite number of at least {least}")


@dataclass(frozen=True)
class AlphaCode:
    """Codes in alpha+ space that remember whose anchors they are coordinates of."""

    alpha: Tensor
    """[n, num_ws, N], every row summing to one; the bound is only nearly that of A_beta (``constrain``)"""
    anchors: str
    """``Anchors.hash``"""

    def __getitem__(self, index: slice) -> AlphaCode:
        return AlphaCode(self.alpha[index], self.anchors)

    def save(self, path: Path, **metadata: str) -> None:
        """Writes the coordinates and whose they are, with any more ``metadata``."""
        save_file({"alpha": self.alpha.cpu().contiguous()}, path, metadata={**metadata, "anchors": self.anchors})

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> AlphaCode:
        with safe_open(path, framework="pt", device=str(device)) as file:
            return cls(file.get_tensor("alpha").clone(), file.metadata()["anchors"])


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


def unconstrained_centre(count: int, beta: float | None, sharpness: float = 100.0) -> float:
    """The number a for which Eq. 7 gives 1 / ``count``: with N of them, alpha_beta is the centre of A_beta.

    Eq. 7 takes 1/N itself to more, at beta = 0 and N = 192 to 1.9 times as much, because it is curved about -beta.
    """
    y = 1 / count
    return y if beta is None else y + math.log(-math.expm1(-sharpness * (y + beta))) / sharpness


def softmax_coordinates(u: Tensor, beta: float) -> Tensor:
    """Any numbers u [..., N] to A_beta: softmax(u) (1 + N beta) - beta, whose image is the interior of A_beta.

    Ours, beside Eq. 7: rows sum to one and obey the bound without a penalty, so that larger steps can be taken.
    """
    return F.softmax(u, dim=-1) * (1 + u.shape[-1] * beta) - beta


def to_w(alpha: Tensor, anchors: Anchors) -> Tensor:
    """Eq. 4, w = M alpha: coordinates [..., N] to codes [..., w_dim]."""
    return alpha @ anchors.codes


def dilation(alpha: Tensor) -> Tensor:
    """The least beta with alpha in A_beta: max(0, -min_i alpha_i), [..., N] to [...].

    Not the paper's |min_i alpha_i|, which reports a dilation for points strictly inside the convex hull.
    """
    return (-alpha.amin(dim=-1)).clamp(min=0)


def sample(anchors: Anchors, n: int, generator: torch.Generator, settings: SamplingSettings) -> Tensor:
    """n points [n, N] of A_beta by the way of ``settings``, float32. Raises ValueError for B.1 beyond the hull."""
    s = settings
    if s.way == "b1":
        if s.beta:
            raise ValueError("B.1 samples the hull itself; use dirichlet or hit_and_run to go beyond")
        return sample_a0(len(anchors), n, generator)
    if s.way == "dirichlet":
        return sample_dirichlet(len(anchors), n, generator, s.beta, s.concentration).float()
    return sample_hit_and_run(len(anchors), n, generator, s.beta, s.sweeps).float()


def sample_a0(count: int, n: int, generator: torch.Generator) -> Tensor:
    """B.1: n points [n, count] of A_0 with three non-zero entries (all ``count`` where there are fewer).

    Three distinct anchors, three scalars from [0, 1) divided by their sum; this is not the uniform distribution on
    the triangle. All draws of a row are consecutive, so the first rows do not depend on ``n``.
    """
    scores, scalars = torch.rand(n, count + 3, generator=generator, device=generator.device).split([count, 3], dim=1)
    chosen = scores.topk(min(3, count)).indices
    scalars = scalars[:, : chosen.shape[1]]
    return torch.zeros_like(scores).scatter(1, chosen, scalars / scalars.sum(dim=1, keepdim=True))


def sample_dirichlet(
    count: int, n: int, generator: torch.Generator, beta: float = 0.0, concentration: float = 1.0
) -> Tensor:
    """n points [n, count] of A_beta whose distances from its walls, alpha_i + beta, are Dirichlet distributed.

    A_beta is the simplex A_0 magnified by 1 + N beta about the centre, so that ``concentration`` 1 is its uniform
    distribution, exactly. Uniform points of many dimensions are all near the centre; a smaller concentration moves them
    to the faces: with c, some 1 + (N - 1) c / (1 + c) anchors share a point. The first rows do not depend on ``n``.
    """
    gamma = _gamma(concentration, n, count, generator)
    return (1 + count * beta) * gamma / gamma.sum(dim=1, keepdim=True) - beta


def _gamma(shape: float, n: int, count: int, generator: torch.Generator) -> Tensor:
    """Independent Gamma(shape, 1) [n, count], float64: torch's own sampler takes no generator, NumPy's does."""
    import numpy as np

    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    return torch.from_numpy(np.random.default_rng(seed).standard_gamma(shape, (n, count))).clamp_min(1e-300)


def sample_hit_and_run(
    count: int, n: int, generator: torch.Generator, beta: float = 0.0, sweeps: float = 1.0
) -> Tensor:
    """n points [n, count] of A_beta by coordinate hit-and-run (Smith, 1984): n chains that start at B.1's samples.

    A jump takes two coordinates and a uniform point of the chord of A_beta along which one gives to the other; a sweep
    is as many jumps as there are coordinates. The walk's only limit is the uniform distribution of A_beta, every jump
    keeps it, and some log(count) sweeps reach it. Fewer leave the samples between B.1's, three anchors each, and the
    uniform ones near the centre: after one sweep about nine share a point. (Random directions would do as well in the
    limit, but from B.1's samples, on so many faces, nearly all of them lead out at once.)
    """
    alpha = sample_a0(count, n, generator).double()
    if count < 2:
        return alpha
    rows = torch.arange(n, device=alpha.device)
    for _ in range(round(sweeps * count)):
        i = torch.randint(count, (n,), generator=generator, device=generator.device)
        j = (i + torch.randint(1, count, (n,), generator=generator, device=generator.device)) % count
        u = torch.rand(n, generator=generator, dtype=torch.float64, device=generator.device)
        both = alpha[rows, i] + alpha[rows, j]
        alpha[rows, i] = u * (both + 2 * beta) - beta
        alpha[rows, j] = both - alpha[rows, i]
    return alpha


def chord(alpha: Tensor, gamma: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """The interval of theta with alpha + theta gamma >= -beta: [..., N] to two [...], low <= 0 <= high.

    They are infinite where nothing stops the way, and 0 where it leads further out of what alpha is already outside of.
    """
    room = (alpha + beta).clamp(min=0)
    reach = room / gamma.abs()  # 0 / 0 is not a limit: gamma does not move that coordinate
    never = torch.full_like(reach, torch.inf)
    high = torch.where(gamma < 0, reach, never).amin(dim=-1)
    low = -torch.where(gamma > 0, reach, never).amin(dim=-1)
    return low, high


def project_to_dilated_hull(w: Tensor, anchors: Anchors, beta: float | None) -> Tensor:
    """alpha* = argmin ||M alpha - w||^2 over A_beta (section 3.4): codes [..., w_dim] to coordinates [..., N], exact.

    With alpha = (1 + N beta) u - beta, u in A_0, this is the nearest point of the anchors' hull to a code that is moved
    and scaled alike. ``beta`` None asks only that coordinates sum to one: least squares in the affine hull.
    """
    codes, points = anchors.codes.double(), w.double().flatten(0, -2)
    count = len(anchors)
    if beta is None:
        centre = codes.mean(dim=0)
        alpha = 1 / count + (points - centre) @ _inverse(_centred(anchors))
    else:
        scale = 1 + count * beta
        alpha = scale * nearest_in_hull(codes, (points + beta * codes.sum(dim=0)) / scale) - beta
    result: Tensor = alpha.to(w.dtype).unflatten(0, w.shape[:-1])
    return result


def direction_to_alpha(direction: W, anchors: Anchors, sum_to_zero: bool = False) -> Tensor:
    """gamma = (M^T M)^-1 M^T n (section 3.4): directions [..., w_dim] to coordinates [..., N].

    M gamma is the projection of n to the anchors' span. Moving along it changes the sum of the coordinates, and so
    leaves A_beta; ``sum_to_zero`` projects n to the affine hull's directions instead, where the sum stays one.
    Dependent anchors have many such gammas, of which this is the shortest.
    """
    m = _centred(anchors) if sum_to_zero else anchors.codes.double()
    return (direction.double() @ _inverse(m)).to(direction.dtype)


def _inverse(m: Tensor) -> Tensor:
    """The pseudo-inverse of float64 copies of float32 codes: what the rank does not count is their rounding."""
    inverse: Tensor = torch.linalg.pinv(m, rtol=NEGLIGIBLE)
    return inverse


def _centred(anchors: Anchors) -> Tensor:
    """The anchors about their centre, float64 [N, w_dim]; the pseudo-inverse's columns sum to zero."""
    return anchors.codes.double() - anchors.codes.double().mean(dim=0)
