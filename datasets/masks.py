"""Masks by rule and seed, 1 where the pixel is known and 0 in the hole.

A mask is a shape in the unit square, x to the right and y down, that is sampled at the pixel centres: the
same rule and seed give the same hole at every resolution. The shapes fit the framing of FFHQ's alignment.
The paper assumes a known mask and does not specify it; these five cover what Figures 9 and 11 show hidden, and more.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from zlib import crc32

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from mystyle.types import Mask

# Where FFHQ's alignment puts a frontal face, in fractions of the image. Measured on no data: the alignment fixes eyes
# and mouth by construction, so that these hold for every aligned photo, the rendered ones included, to a few percent.
EYE_LINE = 0.47
EYE_OFFSET = 0.125  # of each eye from the middle: the side of the crop is four eye distances
MOUTH = (0.50, 0.72)
FACE = (0.50, 0.56)  # centre, and half axes, of an ellipse from the brows to the chin
FACE_AXES = (0.30, 0.36)

SHIFT = 0.02  # jitter of a shape's centre, at most, in fractions of the image
SCALE = 0.10  # jitter of its size, at most, relative

Points = NDArray[np.float64]
Rule = Callable[[Generator, Points, Points], NDArray[np.bool_]]


def mask(rule: str, resolution: int, seed: int) -> Mask:
    """float32 ``[1, 1, resolution, resolution]``, decided by the three arguments alone; never all 0, never all 1.

    Raises ValueError for an unknown rule.
    """
    if rule not in RULES:
        raise ValueError(f"unknown mask {rule!r}; there are {', '.join(RULES)}")
    rng = np.random.default_rng([seed, crc32(rule.encode())])  # the rule's name keeps the rules' jitters apart
    centres = (np.arange(resolution) + 0.5) / resolution
    x, y = np.meshgrid(centres, centres)
    hole = RULES[rule](rng, x, y)
    return torch.from_numpy(~hole).to(torch.float32)[None, None]


def eyes(rng: Generator, x: Points, y: Points) -> NDArray[np.bool_]:
    """A band across both eyes and brows."""
    cx, cy, scale = _jitter(rng, 0.5, EYE_LINE)
    return (np.abs(x - cx) < scale * (EYE_OFFSET + 0.145)) & (np.abs(y - cy) < scale * 0.09)


def mouth(rng: Generator, x: Points, y: Points) -> NDArray[np.bool_]:
    """An ellipse around the lips."""
    cx, cy, scale = _jitter(rng, *MOUTH)
    return _ellipse(x, y, cx, cy, scale * 0.19, scale * 0.10)


def half(rng: Generator, x: Points, y: Points) -> NDArray[np.bool_]:
    """The left or the right half of the face; the seed decides which."""
    cx, cy, scale = _jitter(rng, *FACE)
    side = rng.choice((-1, 1))
    return _ellipse(x, y, cx, cy, scale * FACE_AXES[0], scale * FACE_AXES[1]) & (side * (x - cx) > 0)


def centre(rng: Generator, x: Points, y: Points) -> NDArray[np.bool_]:
    """A square over eyes, nose and mouth, a quarter of the image."""
    cx, cy, scale = _jitter(rng, *FACE)
    return np.maximum(np.abs(x - cx), np.abs(y - cy)) < scale * 0.25


def strokes(rng: Generator, x: Points, y: Points) -> NDArray[np.bool_]:
    """Free-form brush strokes: random walks over the face, 3 to 10 % of the image wide, until 15 % is hidden."""
    hole = np.zeros(x.shape, dtype=bool)
    area = 0.0
    while area < 0.15:
        path = _walk(rng, vertices=int(rng.integers(4, 9)))
        radius = rng.uniform(0.015, 0.05)
        hole |= _near(x, y, path, radius)
        # The stroke's own area, overlaps counted twice: the same at every resolution, which the sampled share is not.
        area += 2 * radius * np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    return hole


RULES: dict[str, Rule] = {rule.__name__: rule for rule in (eyes, mouth, half, centre, strokes)}


def _jitter(rng: Generator, cx: float, cy: float) -> tuple[float, float, float]:
    """A centre moved and a scale near 1."""
    dx, dy = rng.uniform(-SHIFT, SHIFT, size=2)
    return cx + dx, cy + dy, 1 + rng.uniform(-SCALE, SCALE)


def _ellipse(x: Points, y: Points, cx: float, cy: float, rx: float, ry: float) -> NDArray[np.bool_]:
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1


def _walk(rng: Generator, vertices: int) -> Points:
    """A polyline ``[vertices, 2]`` that turns smoothly and stays within the face's box."""
    low = np.subtract(FACE, FACE_AXES)
    high = np.add(FACE, FACE_AXES)
    points = [rng.uniform(low, high)]
    heading = rng.uniform(0, 2 * np.pi)
    for _ in range(vertices - 1):
        heading += rng.normal(0, 0.8)
        step = rng.uniform(0.05, 0.15) * np.array([np.cos(heading), np.sin(heading)])
        points.append(np.clip(points[-1] + step, low, high))
    return np.array(points)


def _near(x: Points, y: Points, path: Points, radius: float) -> NDArray[np.bool_]:
    """Where the distance to the polyline is below ``radius``."""
    p = np.stack([x, y], axis=-1)
    hit = np.zeros(x.shape, dtype=bool)
    for a, b in pairwise(path):
        ab = b - a
        t = np.clip((p - a) @ ab / max(ab @ ab, 1e-12), 0, 1)[..., None]
        hit |= np.linalg.norm(p - (a + t * ab), axis=-1) < radius
    return hit
