"""A conditional continuous normalising flow of codes (StyleFlow, Abdal et al., 2021; FFJORD, Grathwohl et al., 2019).

A code w and what its image shows, c, become z: dx/dt = f(x, c, t) from x(0) = w to x(T) = z, with a moving batch norm
before and after. z has a normal distribution whatever c is, so that the way back with other conditions changes the code
in what c tells, and keeps the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import W

DURATION = 0.5  # T
TOLERANCE = 1e-5  # relative and absolute, of the solver
DECAY = 0.01  # of the moving moments, for each batch


class ConcatSquash(nn.Module):
    """(A x + a) sigmoid(B [t, c] + b) + C [t, c]."""

    def __init__(self, n_in: int, n_out: int, conditions: int):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.gate = nn.Linear(1 + conditions, n_out)
        self.shift = nn.Linear(1 + conditions, n_out, bias=False)

    def forward(self, x: Tensor, e: Tensor, tc: Tensor) -> tuple[Tensor, Tensor]:
        """[n, n_in], tangents e [k, n, n_in] and [n, 1 + K] -> [n, n_out], and its derivatives along e."""
        gate = self.gate(tc).sigmoid()
        return self.linear(x) * gate + self.shift(tc), F.linear(e, self.linear.weight) * gate


class MovingBatchNorm(nn.Module):
    """e^g (x - m) / s + b, with m and s^2 the moving mean and variance of what it was trained on."""

    mean: Tensor
    variance: Tensor

    def __init__(self, dim: int, eps: float = 1e-4):
        super().__init__()
        self.eps = eps
        self.log_gain, self.bias = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("variance", torch.ones(dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[n, dim] -> the same, and the logarithm of the determinant, one number. Moves the moments in training."""
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(x.mean(dim=0), DECAY)
                self.variance.lerp_((x - self.mean).square().mean(dim=0), DECAY)
        log_scale = self.log_gain - (self.variance + self.eps).log() / 2
        return (x - self.mean) * log_scale.exp() + self.bias, log_scale.sum()

    def inverse(self, y: Tensor) -> Tensor:
        log_scale = self.log_gain - (self.variance + self.eps).log() / 2
        x: Tensor = (y - self.bias) * (-log_scale).exp() + self.mean
        return x


class Flow(nn.Module):
    """``attributes`` are the names of the conditions, in deviations of a population; ``space`` says whose W it is."""

    def __init__(
        self, w_dim: int = 512, attributes: Sequence[str] = (), hidden: Sequence[int] = (512,) * 3, space: str = ""
    ):
        super().__init__()
        self.config: dict[str, Any] = dict(w_dim=w_dim, attributes=list(attributes), hidden=list(hidden), space=space)
        widths = (w_dim, *hidden, w_dim)
        self.layers = nn.ModuleList(ConcatSquash(a, b, len(attributes)) for a, b in pairwise(widths))
        self.first, self.last = MovingBatchNorm(w_dim), MovingBatchNorm(w_dim)

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(self.config["attributes"])

    def velocity(self, x: Tensor, c: Tensor, t: Tensor) -> Tensor:
        """f(x, c, t): [n, w_dim], [n, K] and a number -> [n, w_dim]."""
        return self.velocity_along(x, x.new_zeros(0, *x.shape), c, t)[0]

    def velocity_along(self, x: Tensor, e: Tensor, c: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """f(x, c, t), and (df/dx) e for e [k, n, w_dim]."""
        tc = torch.cat([t.expand(len(c), 1), c], dim=1)
        for i, layer in enumerate(self.layers):
            if i:
                x = x.tanh()
                e = e * (1 - x.square())
            x, e = layer(x, e, tc)
        return x, e

    def forward(self, w: W, c: Tensor, tolerance: float = TOLERANCE) -> Tensor:
        """z [n, w_dim] of codes w [n, w_dim] under conditions c [n, K]."""
        x, _ = self.first(w)
        (x,) = solved(lambda t, state: (self.velocity(state[0], c, t),), (x,), (0.0, DURATION), tolerance)
        z: Tensor = self.last(x)[0]
        return z

    def inverse(self, z: Tensor, c: Tensor, tolerance: float = TOLERANCE) -> W:
        """The codes [n, w_dim] of z under conditions c: undoes ``forward`` to the solver's tolerance."""
        x = self.last.inverse(z)
        (x,) = solved(lambda t, state: (self.velocity(state[0], c, t),), (x,), (DURATION, 0.0), tolerance)
        return self.first.inverse(x)

    def log_density(self, w: W, c: Tensor, probes: Tensor) -> Tensor:
        """log p(w | c) [n]: of z, plus the logarithm of the determinant of dz / dw.

        The latter grows by the trace of df/dx, which is estimated as the mean of e^T (df/dx) e over ``probes`` e
        [k, n, w_dim] of mean 0 and variance 1 (Hutchinson); exact for unit vectors times sqrt(w_dim), one a dimension.
        """
        x, log_first = self.first(w)

        def change(t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            v, moved = self.velocity_along(state[0], probes, c, t)
            return v, (probes * moved).sum(dim=2).mean(dim=0)

        x, log_flow = solved(change, (x, x.new_zeros(len(x))), (0.0, DURATION), TOLERANCE)
        z, log_last = self.last(x)
        log_normal = -(z.square() + math.log(2 * math.pi)).sum(dim=1) / 2
        density: Tensor = log_normal + log_first + log_flow + log_last
        return density


Change = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


def solved(
    change: Change, state: tuple[Tensor, ...], interval: tuple[float, float], tolerance: float
) -> tuple[Tensor, ...]:
    """The state at the end of the interval, by Dormand and Prince's method of order five with adaptive steps.

    All rows share the steps, so that rows that are to be independent are solved one by one.
    """
    from torchdiffeq import odeint

    times = torch.tensor(interval).to(state[0])
    path = odeint(change, state, times, rtol=tolerance, atol=tolerance, method="dopri5")
    return tuple(part[-1] for part in path)
