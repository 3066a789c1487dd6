"""Triangles to samples: meshes, camera-facing ribbons for strands and frames, and a deterministic z-buffer.

For every triangle and every row that it crosses, the samples inside are listed; the nearest fragment of a sample wins.
So the cost is that of the covered samples, whatever the resolution.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = 9  # samples of a shadow's penumbra, on a spiral
GOLDEN = math.pi * (3 - math.sqrt(5))
CAMERA = 8.0  # head units from the camera to the middle of the head, 0.9 m: a portrait lens


@dataclass(frozen=True)
class Mesh:
    """Points [v, 3], triangles [f, 3] into them, and what is interpolated over them: [v, channels]."""

    kind: int  # decides how its samples are shaded
    points: Tensor
    faces: Tensor
    attributes: Tensor
    closed: bool = False  # whether triangles that look away from the viewer are never seen


@lru_cache(maxsize=32)
def grid_faces(rows: int, columns: int, wrap: bool = False) -> Tensor:
    """The triangles of a grid of points, counted row by row; ``wrap`` joins the last column to the first."""
    i, j = torch.meshgrid(torch.arange(rows - 1), torch.arange(columns if wrap else columns - 1), indexing="ij")
    k = (j + 1) % columns
    a, b, c, d = i * columns + j, i * columns + k, (i + 1) * columns + j, (i + 1) * columns + k
    return torch.cat([torch.stack(t, -1).reshape(-1, 3) for t in ((a, c, b), (b, c, d))])


def grid_normals(points: Tensor, wrap: bool = False) -> Tensor:
    """Unit normals of a grid of points [r, c, 3] from its central differences, towards (down the rows) x (columns)."""
    across = torch.cat([points[:, -1:], points, points[:, :1]], 1) if wrap else extended(points, 1)
    down = extended(points, 0)
    return F.normalize(torch.linalg.cross(down[2:] - down[:-2], across[:, 2:] - across[:, :-2]), dim=-1)


def extended(x: Tensor, dim: int) -> Tensor:
    """One more slice at each end, repeating the last."""
    return torch.cat([x.narrow(dim, 0, 1), x, x.narrow(dim, x.shape[dim] - 1, 1)], dim)


def project(points: Tensor) -> Tensor:
    """Camera-frame points [..., 3] to the image plane through the middle of the head [..., 2]."""
    return points[..., :2] * (CAMERA / (CAMERA - points[..., 2:]))


def ribbons(lines: Tensor, width: Tensor, view: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Strips around polylines [k, s, 3] with half width [k, s], turned to the viewer: points [k, s, 2, 3], faces.

    ``view`` is the direction to the viewer, z where it is not given.
    """
    k, s, _ = lines.shape
    tangent = extended(lines, 1)
    tangent = tangent[:, 2:] - tangent[:, :-2]
    if view is None:
        side = torch.stack([-tangent[..., 1], tangent[..., 0], torch.zeros_like(tangent[..., 0])], -1)
    else:
        side = torch.linalg.cross(view.expand_as(tangent), tangent)
    side = F.normalize(side, dim=-1, eps=1e-6) * width[..., None]
    return torch.stack([lines - side, lines + side], dim=2), ribbon_faces(k, s)


@lru_cache(maxsize=64)
def ribbon_faces(k: int, s: int) -> Tensor:
    return (grid_faces(s, 2)[None] + 2 * s * torch.arange(k)[:, None, None]).reshape(-1, 3)


@dataclass(frozen=True)
class Fragments:
    """The nearest triangle of every covered sample: the sample's index, the triangle, its barycentric weights."""

    sample: Tensor
    face: Tensor
    weights: Tensor
    depth: Tensor

    def of(self, faces: Tensor) -> Fragments:
        """The same fragments, counted among all triangles; ``faces`` are those rasterised."""
        return replace(self, face=at(faces, self.face))


def merged(back: Fragments, front: Fragments, nearest: Tensor) -> Fragments:
    """The nearer of two drawings at every sample; ``nearest`` is the first one's depth at all samples."""
    wins = front.depth > at(nearest, front.sample)
    lost = torch.zeros_like(nearest, dtype=torch.bool).scatter(0, front.sample, wins)
    stays, comes = (~at(lost, back.sample)).nonzero()[:, 0], wins.nonzero()[:, 0]
    pairs = ((at(getattr(back, k), stays), at(getattr(front, k), comes)) for k in vars(back))
    return Fragments(*(torch.cat(pair) for pair in pairs))


def rasterise(xy: Tensor, depth: Tensor, faces: Tensor, size: int, cull: Tensor | bool = False) -> Fragments:
    """Rasterises triangles whose corners are at ``xy`` [v, 2] in samples (x right, y down), greater ``depth`` in front.

    ``cull`` [f] marks triangles that are dropped where they are seen from behind (clockwise on the screen).
    """
    columns = faces.T.contiguous()
    x, y = ([at(line, c) for c in columns] for line in xy.T.contiguous())
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    low, high = torch.minimum(torch.minimum(y[0], y[1]), y[2]), torch.maximum(torch.maximum(y[0], y[1]), y[2])
    left, right = torch.minimum(torch.minimum(x[0], x[1]), x[2]), torch.maximum(torch.maximum(x[0], x[1]), x[2])
    low, high = (low - 0.5).ceil().clamp(min=0), (high - 0.5).floor().clamp(max=size - 1)
    seen = (high >= low) & ((right - 0.5).floor().clamp(max=size - 1) >= (left - 0.5).ceil().clamp(min=0))
    seen &= ~((area > 0) & cull) & (area != 0)
    keep = seen.nonzero()[:, 0]
    x, y, z = [at(t, keep) for t in x], [at(t, keep) for t in y], [at(depth, at(c, keep)) for c in columns]
    area, low, high, left, right = (at(t, keep) for t in (area, low, high, left, right))
    # barycentric weights are affine in the sample's place: w_i = a_i (x - x0) + b_i (y - y0), and so is the depth
    a1, b1, a2, b2 = (y[2] - y[0]) / area, (x[0] - x[2]) / area, (y[0] - y[1]) / area, (x[1] - x[0]) / area
    slope = a1 * (z[1] - z[0]) + a2 * (z[2] - z[0])

    # a span for every triangle and row: the samples on which all three weights are positive
    tri, place = expand(high - low + 1)
    row = at(low, tri) + place
    dy = row + 0.5 - at(y[0], tri)
    start, stop = at(left, tri) - 0.5, at(right, tri) - 0.5
    x0 = at(x[0], tri) - 0.5
    edges = (a1, b1, 0.0), (a2, b2, 0.0), (-(a1 + a2), -(b1 + b2), 1.0)
    for a, c in ((at(a, tri), c + at(b, tri) * dy) for a, b, c in edges):
        root = x0 - c / a
        start = torch.where(a > 0, torch.maximum(start, root), start)
        stop = torch.where(a < 0, torch.minimum(stop, root), stop)
    start, stop = start.ceil().clamp(min=0), stop.floor().clamp(max=size - 1)
    slope = at(slope, tri)
    near = at(z[0], tri) + at(b1 * (z[1] - z[0]) + b2 * (z[2] - z[0]), tri) * dy + slope * (start - x0)
    span, place = expand((stop - start + 1).clamp(min=0))

    # the nearest fragment of every sample
    sample = at((row * size + start).long(), span) + place
    d = at(near, span) + at(slope, span) * place
    nearest = torch.full((size * size,), -torch.inf).scatter_reduce(0, sample, d, "amax")
    first = (d >= at(nearest, sample)).nonzero()[:, 0]
    winner = torch.full((size * size,), -1).scatter_reduce(0, at(sample, first), first, "amax")
    covered = (winner >= 0).nonzero()[:, 0]
    chosen = at(winner, covered)
    line = at(span, chosen)
    t = at(tri, line)
    dx, dy = at(start - x0, line) + at(place, chosen), at(dy, line)
    w1, w2 = at(a1, t) * dx + at(b1, t) * dy, at(a2, t) * dx + at(b2, t) * dy
    return Fragments(covered, at(keep, t), torch.stack([1 - w1 - w2, w1, w2], 1), at(d, chosen))


def expand(count: Tensor) -> tuple[Tensor, Tensor]:
    """For whole counts [k]: the index of every item that is counted, and its place 0, 1, ... among the item's own."""
    count = count.long()
    item = torch.repeat_interleave(count)
    return item, torch.arange(len(item)) - at(count.cumsum(0) - count, item)


def at(x: Tensor, index: Tensor) -> Tensor:
    """x[index] for an index [m] of whole numbers, which torch picks three to six times as fast in this form."""
    return x.index_select(0, index)


def interpolate(attributes: Tensor, corners: Tensor, weights: Tensor) -> Tensor:
    """Attributes [v, c] at corners [m, 3] weighted by [m, 3]: [m, c]."""
    parts = (weights[:, i, None] * at(attributes, corners[:, i]) for i in range(3))
    return functools.reduce(Tensor.add, parts)


class ShadowMap:
    """A shadow map: depth along the light's direction on a grid, and how much of the light reaches a point."""

    SIZE = 120
    EXTENT = 1.55  # half side of the map, head units

    def __init__(self, meshes: Sequence[tuple[Tensor, Tensor]], light: Tensor):
        side = F.normalize(torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0]), light), dim=0)
        self.axes = torch.stack([side, torch.linalg.cross(light, side), light])
        points = [points.reshape(-1, 3) for points, _ in meshes]
        offsets = itertools.accumulate((len(x) for x in points), initial=0)
        faces = [triangles + offset for (_, triangles), offset in zip(meshes, offsets, strict=False)]
        p = torch.cat(points) @ self.axes.T
        found = rasterise((p[:, :2] / self.EXTENT + 1) * self.SIZE / 2, p[:, 2], torch.cat(faces), self.SIZE)
        self.depth = torch.full((self.SIZE**2,), -9.0).scatter(0, found.sample, found.depth)
        self.depth = self.depth.reshape(1, 1, self.SIZE, self.SIZE)

    def light_at(self, points: Tensor, blur: float, bias: float) -> Tensor:
        """The share of the light that reaches camera-frame points [m, 3], over a disc of radius ``blur``: [m]."""
        p = points @ self.axes.T
        total = torch.zeros(len(points))
        for i in range(TAPS):
            r, angle = blur * math.sqrt((i + 0.5) / TAPS), GOLDEN * i
            shift = torch.tensor([r * math.cos(angle), r * math.sin(angle)])
            grid = ((p[:, :2] + shift) / self.EXTENT)[None, None]
            near = F.grid_sample(self.depth, grid, align_corners=False, padding_mode="border")[0, 0, 0]
            total = total + ((p[:, 2] + bias - near) / 0.03 + 0.5).clamp(0, 1)
        return total / TAPS
