"""The shape of the head: a star-shaped surface R(d), the body around it, and where rays meet them.

Directions d from the middle of the head are written in stereographic coordinates seen from the back of the head,

    (u, v) = (d_x, d_y) / (1 + d_z),

in which the face is the neighbourhood of 0, angles are kept, and the front hemisphere is the unit disc. x points to
the viewer's right, y up, z to the viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Values = Mapping[str, Tensor]

EXTENT = 1.8  # the radius map covers |u|, |v| <= EXTENT; beyond lies the unseen back of the head
MAP_SIZE = 144  # texels a side: 0.025 in uv, finer than the narrowest bump below


def bump(u: Tensor, v: Tensor, u0: Tensor | float, v0: Tensor | float, su: float, sv: float) -> Tensor:
    """exp(-((u - u0) / su)^2 - ((v - v0) / sv)^2)."""
    return torch.exp(-(((u - u0) / su).square() + ((v - v0) / sv).square()))


def smoothstep(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def hair_cover(u: Tensor, v: Tensor, p: Values) -> Tensor:
    """1 where the scalp grows hair, 0 on the face, with a soft hairline: the same shape as u."""
    a = u.abs()
    fringe = p["fringe"] * 0.20 * torch.exp(-((u / 0.32) ** 4)) * (1 + p["parting"] * u * 4)
    line = p["hairline"] - fringe - p["widow_peak"] * bump(u, v * 0, 0, 0, 0.09, 1)
    recede = 0.10 * ((p["age"] - 45) / 30).clamp(0, 1) * p["masculine"] * bump(a, v * 0, 0.22, 0, 0.12, 1)
    line = line + recede + 0.12 * p["parting"] * u
    wave = 0.012 * torch.sin(38 * u + 5 * p["hair_hue"]) + 0.008 * torch.sin(71 * u + 9 * p["hair_curl"])
    edge = line + wave - 1.15 * u.square()
    side = smoothstep(a, 0.62, 0.72) * smoothstep(v, -0.55, -0.30)
    return torch.maximum(smoothstep(v - edge, -0.02, 0.03), side)


def radius(u: Tensor, v: Tensor, p: Values) -> tuple[Tensor, Tensor]:
    """R over a grid of directions, and the cavity term (how far the skin lies below its surroundings)."""
    a = u.abs()
    n = 1 + u.square() + v.square()
    dx, dy, dz = 2 * u / n, 2 * v / n, 2 / n - 1
    below = smoothstep(-dy, 0.10, 1.0)
    width = p["head_width"] * (1 - p["jaw_taper"] * below)
    height = torch.where(dy < 0, 0.93 + p["chin_length"], torch.ones_like(dy))
    depth = torch.where(dz < 0, p["head_depth"], 0.80 + 0 * dz)
    r = ((dx / width).square() + (dy / height).square() + (dz / depth).square()).rsqrt()
    tip, mouth, eye = p["nose_length"], p["mouth_height"], p["eye_distance"]
    smile, opened = p["smile"], p["mouth_open"]
    fine = (
        p["nose_height"] * bump(u, v, 0, tip, 0.042, 0.040)
        + p["nose_bridge"] * bump(u, v, 0, 0.35 * tip, 0.038, 0.075)
        + 0.055 * bump(a, v, p["nose_width"], tip - 0.012, 0.028, 0.026)
        - p["eye_depth"] * bump(a, v, eye, 0.02, 0.075, 0.055)
        + 0.045 * bump(a, v, eye, 0.0, 0.060, 0.032)
        + (p["brow_ridge"] * (0.5 + 0.5 * p["masculine"])) * bump(a, v, 0.15, 0.10, 0.11, 0.035)
        + 0.022 * bump(u, v, 0, mouth + 0.014, p["mouth_width"], 0.014)
        + 0.026 * bump(u, v, 0, mouth - 0.026 - 0.03 * opened, 0.9 * p["mouth_width"], 0.016)
        - 0.020 * bump(u, v, 0, mouth - 0.062 - 0.03 * opened, 0.06, 0.016)
        + 0.028 * smile.clamp(min=0) * bump(a, v, 0.20, -0.155, 0.07, 0.05)
        - 0.016
        * (smile.clamp(min=0) + (p["age"] - 30).clamp(min=0) / 60)
        * bump(a, v, 0.145, mouth + 0.075, 0.022, 0.05)
    )
    broad = (
        p["cheekbone"] * bump(a, v, 0.30, -0.06, 0.10, 0.08)
        + p["cheek"] * bump(a, v, 0.27, -0.26, 0.11, 0.12)
        + p["jaw_corner"] * (0.6 + 0.6 * p["masculine"]) * bump(a, v, 0.42, -0.42, 0.14, 0.14)
        + p["chin_forward"] * bump(u, v, 0, -0.50, 0.085, 0.07)
        + p["forehead"] * bump(u, v, 0, 0.26, 0.30, 0.14)
        + 0.030 * bump(u, v, 0, mouth, 0.15, 0.09)
        - 0.030 * opened * bump(u, v, 0, -0.55, 0.2, 0.1)
    )
    hair = p["hair_volume"] * hair_cover(u, v, p) * (0.6 + 0.8 * smoothstep(v, -0.2, 0.7))
    curls = 0.10 * p["hair_curl"] * hair * torch.sin(26 * u + 7 * torch.sin(9 * v)) * torch.sin(23 * v)
    return r + fine + broad + hair + curls, -fine


@dataclass(frozen=True)
class Head:
    """Baked radius maps of a batch of heads: channel 0 is R, channel 1 the cavity term; [n, 2, MAP_SIZE, MAP_SIZE]."""

    maps: Tensor

    @classmethod
    def bake(cls, p: Values) -> Head:
        """Evaluates ``radius`` on the grid; ``p`` holds [n, 1] columns."""
        line = torch.linspace(-EXTENT, EXTENT, MAP_SIZE)
        v, u = torch.meshgrid(line, line, indexing="ij")
        r, cavity = radius(u.reshape(1, -1), v.reshape(1, -1), p)
        return cls(torch.stack([r, cavity], dim=1).reshape(-1, 2, MAP_SIZE, MAP_SIZE))

    def lookup(self, u: Tensor, v: Tensor, channels: slice = slice(0, 1)) -> Tensor:
        """Bilinear samples [n, c, m] at (u, v) [n, m]."""
        grid = torch.stack([u, v], dim=-1)[:, None] / EXTENT
        maps = self.maps[:, channels]
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=True)[:, :, 0]

    def field(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """F(p) = |p| - R(p / |p|), negative inside; x, y, z [n, m]."""
        norm = (x * x + y * y + z * z).sqrt().clamp_min(1e-6)
        u, v = stereographic(x, y, z, norm)
        return norm - self.lookup(u, v)[:, 0]


def stereographic(x: Tensor, y: Tensor, z: Tensor, norm: Tensor) -> tuple[Tensor, Tensor]:
    scale = 1 / (norm + z).clamp_min(1e-3)
    return x * scale, y * scale


def surface_point(head: Head, u: Tensor, v: Tensor) -> Tensor:
    """The 3-D point [n, m, 3] of the surface at (u, v) [n, m]."""
    n = 1 + u.square() + v.square()
    d = torch.stack([2 * u / n, 2 * v / n, 2 / n - 1], dim=-1)
    return d * head.lookup(u, v)[:, 0, :, None]


def rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Head to camera rotation [n, 3, 3] = Rz(roll) Rx(-pitch) Ry(yaw), angles in degrees [n]."""

    def about(axis: int, degrees: Tensor) -> Tensor:
        c, s = torch.cos(torch.deg2rad(degrees)), torch.sin(torch.deg2rad(degrees))
        m = torch.zeros(len(degrees), 3, 3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        m[:, axis, axis] = 1
        m[:, i, i], m[:, j, j], m[:, i, j], m[:, j, i] = c, c, -s, s
        return m

    return about(2, roll) @ about(0, -pitch) @ about(1, yaw)


STEPS = 18  # ray steps; with RELAX they reach the nose from the side without stepping through it
RELAX = 0.62


def cast(head: Head, origin: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Marches rays origin [n, m, 3] + t direction [n, 1, 3] to the head: depth t and the smallest F met, [n, m].

    The smallest and not the last: at the step from skin to hair the march may still swing around the surface.
    """
    ox, oy, oz = origin.unbind(-1)
    dx, dy, dz = direction.unbind(-1)
    t = -(ox * dx + oy * dy + oz * dz) - 1.35  # enters the bounding sphere's front plane
    f = head.field(ox + t * dx, oy + t * dy, oz + t * dz)
    closest = f
    for _ in range(STEPS):
        t = t + RELAX * f
        f = head.field(ox + t * dx, oy + t * dy, oz + t * dz)
        closest = torch.minimum(closest, f)
    return t, closest


def cast_ellipsoid(origin: Tensor, direction: Tensor, centre: Tensor, axes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First hit of rays with ellipsoids, centre and axes [n, 3]: depth, normal [n, m, 3], and coverage margin.

    The margin is the discriminant of the quadratic: positive inside the silhouette, 0 on it.
    """
    o = (origin - centre[:, None]) / axes[:, None]
    d = direction / axes[:, None]
    a, b, c = d.square().sum(-1), (o * d).sum(-1), o.square().sum(-1) - 1
    margin = b * b - a * c
    t = (-b - margin.clamp_min(0).sqrt()) / a
    normal = F.normalize((o + t[..., None] * d) / axes[:, None], dim=-1)
    return t, normal, margin / a
