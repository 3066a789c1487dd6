"""What is behind a person, out of focus: a wall, soft shapes, or points of light."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic.noise import hsv

GRID = 64  # the scene is so blurred that this many samples a side hold it
SHAPES = 7
LIGHTS = 14


def background(p: Mapping[str, float], size: int) -> Tensor:
    """Linear light [size, size, 3]."""
    line = (torch.arange(GRID) + 0.5) / GRID * 2 - 1
    y, x = torch.meshgrid(-line, line, indexing="ij")
    hue, value, scene, place = (p[f"background_{k}"] for k in ("hue", "value", "scene", "place"))
    saturation = 0.05 + 0.35 * _unit(5, 1, 3 * place) ** 2
    image = hsv(hue, saturation, value).expand(GRID, GRID, 3) * (1 + p["background_slope"] * (y + 0.4 * x))[..., None]
    for i in range(SHAPES):
        a, b, c, d = (_unit(i, k, place) for k in range(4))
        strength = min(max(2.2 * scene - 0.25 * c, 0.0), 1.0) * 0.75
        if strength == 0:
            continue
        other = hsv(
            (hue + 0.5 * (a - 0.5) + 0.12 * i) % 1,
            0.05 + 1.3 * saturation * b,
            min(max(value + 0.9 * (c - 0.5), 0.05), 0.95),
        )
        dx, dy = (x - 2.6 * (a - 0.5)) / (0.15 + 0.35 * d), (y - 2.4 * (b - 0.5)) / (0.25 + 0.8 * c)
        soft = 1 / (1 + (dx**4 + dy**4))
        image = torch.lerp(image, other.expand_as(image), (strength * soft)[..., None])
    shining = min(max((scene - 0.62) / 0.3, 0.0), 1.0)
    for i in range(LIGHTS if shining > 0 else 0):
        a, b, c, d = (_unit(i + SHAPES, k, place) for k in range(4))
        r = 0.06 + 0.11 * c
        disc = ((r - torch.hypot(x - 2.2 * (a - 0.5), y - 2.2 * (b - 0.4))) / 0.05 + 0.5).clamp(0, 1)
        glow = hsv((hue + 0.25 * (d - 0.5) + 0.1) % 1, 0.35, 1.0) * (0.3 + 0.5 * d)
        image = image + shining * disc[..., None] * glow
    large = F.interpolate(image.permute(2, 0, 1)[None], size=(size, size), mode="bilinear", align_corners=False)
    return large[0].permute(1, 2, 0).clamp(0.003, 1.5)


def _unit(i: int, k: int, place: float) -> float:
    """A number in [0, 1] that moves smoothly back and forth with ``place``, different for every i and k."""
    t = (0.7548 * (i + 1) + 0.5698 * (k + 1) * (i + 2) + place * (0.6 + 0.37 * ((3 * i + 5 * k) % 7))) % 2
    return t if t < 1 else 2 - t
