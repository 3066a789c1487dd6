"""Marks of a person's own: birthmark, vitiligo, large mole and scar, as coverage [m] of the skin at rest places [m]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from datasets.synthetic.geometry import bell, smoothstep
from datasets.synthetic.noise import edge, noise

Values = Mapping[str, float]


def stain(x: Tensor, y: Tensor, p: Values) -> Tensor:
    """A birthmark: a patch with a wandering edge."""
    u, v = x - p["stain_x"], y - p["stain_y"]
    wander = 0.45 * noise(6 * u + 31 * p["stain_y"], 6 * v + 17) + 0.20 * noise(17 * u, 17 * v + 29 * p["stain_x"])
    return edge(1 + wander - torch.hypot(u, 0.8 * v) / p["stain_size"], 0.22)


def patches(x: Tensor, y: Tensor, p: Values) -> Tensor:
    """Vitiligo: patches without pigment, nearly alike on both sides and a pattern of one's own."""
    a, u = 0.85 * x.abs() + 0.15 * x, 23 * p["stain_x"]
    field = noise(4.2 * a + u, 4.2 * y + 19 * p["stain_y"]) + 0.45 * noise(11 * a, 11 * y + u)
    least = 0.55 - 0.42 * p["vitiligo"]
    return smoothstep(field, least, least + 0.20)


def spot(x: Tensor, y: Tensor, pixel: float, p: Values) -> Tensor:
    """A large mole."""
    return edge(0.010 + p["spot_size"] - torch.hypot(x - p["spot_x"], y - p["spot_y"]), 0.012 + pixel)


def scar(x: Tensor, y: Tensor, pixel: float, p: Values) -> tuple[Tensor, Tensor]:
    """A slightly bent line: its ridge, and the darker skin along it."""
    c, s = torch.tensor([p["scar_angle"]]).cos(), torch.tensor([p["scar_angle"]]).sin()
    u = c * (x - p["scar_x"]) + s * (y - p["scar_y"])
    v = c * (y - p["scar_y"]) - s * (x - p["scar_x"]) + 0.35 * u.square() + 0.012 * noise(13 * u, 0 * u)
    ends = edge(0.04 + p["scar_size"] - u.abs(), 0.06)
    return ends * bell(v / (0.013 + 0.4 * pixel)), ends * bell(v / (0.036 + 0.4 * pixel))
