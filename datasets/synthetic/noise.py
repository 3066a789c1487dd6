"""Band-limited noise from one fixed texture, and colours: what every painted surface uses."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

Stops = tuple[tuple[float, float, float], ...]
SIZE = 128  # texels a side; the texture repeats


@lru_cache(maxsize=1)
def _texture() -> Tensor:
    """Uniform noise, a texel larger than the period, so that bilinear samples are seamless."""
    generator = torch.Generator().manual_seed(20)
    t = torch.rand(SIZE, SIZE, generator=generator) * 2 - 1
    return torch.cat([torch.cat([t, t[:, :1]], 1), torch.cat([t[:1], t[:1, :1]], 1)], 0)[None, None]


def noise(u: Tensor, v: Tensor, pixel: float = 0.0) -> Tensor:
    """Smooth noise in [-1, 1] with one feature per unit of (u, v); fades where ``pixel`` is larger than a feature."""
    fade = min(max(1.6 - 1.2 * pixel, 0.0), 1.0)
    if fade == 0:
        return torch.zeros_like(u)
    grid = torch.stack([u, v], -1) / SIZE
    grid = ((grid - grid.floor()) * SIZE + 0.5) / (SIZE + 1) * 2 - 1
    flat = F.grid_sample(_texture(), grid.reshape(1, 1, -1, 2), align_corners=False, padding_mode="border")
    return fade * flat.reshape(u.shape)


def ramp(stops: Stops, t: float) -> Tensor:
    """The colour [3] at t in [0, 1] on a piecewise linear ramp."""
    x = min(max(t, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(x), len(stops) - 2)
    return torch.lerp(torch.tensor(stops[i]), torch.tensor(stops[i + 1]), x - i)


def hsv(hue: float, saturation: float, value: float) -> Tensor:
    """Linear light [3] of an HSV colour given on the display's scale."""
    k = (torch.tensor([5.0, 3.0, 1.0]) + 6 * hue) % 6
    return (value * (1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1))) ** 2.2


def over(base: Tensor, paint: Tensor, alpha: Tensor) -> Tensor:
    """Paints a colour [3] or [m, 3] on [m, 3] with coverage [m]."""
    return base + (paint - base) * alpha[:, None]


def edge(x: Tensor, soft: Tensor | float) -> Tensor:
    """Coverage of x > 0 with an edge ``soft`` wide."""
    return (x / soft + 0.5).clamp(0, 1)
