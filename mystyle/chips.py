"""Chips: the crops of a face that recognisers and readers were trained on, taken from portraits.

A portrait is aligned by FFHQ's crop (Karras et al., 2019), which puts the eyes and the mouth at nearly the same places
in all of them. So a chip is a fixed square ``Region`` of the portrait, resampled: linear in the image, differentiable,
antialiased, and the same for every resolution. Where the five points of a face are known, ``from_points`` takes the
exact similarity instead (least squares; Umeyama, 1991).

Coordinates are shares of the side of a square image: (0, 0) is its upper left corner, (1, 1) its lower right one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.types import Image

Template = tuple[tuple[float, float], ...]
"""left eye, right eye, tip of the nose, left and right corner of the mouth, as the viewer sees them"""

PORTRAIT: Template = ((0.378, 0.4735), (0.622, 0.4735), (0.5, 0.617), (0.3935, 0.738), (0.6065, 0.738))
"""means over 1,223 frontal photographs of LFW in FFHQ's crop, made symmetric"""

DLIB: Template = tuple(
    ((0.25 + x) / 1.5, (0.25 + y) / 1.5)
    for x, y in ((0.2255, 0.2160), (0.7547, 0.2160), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
)
"""the mean face of dlib (``get_face_chip_details``), whose chip has a quarter of its size around it"""

ARCFACE: Template = tuple(
    (x / 112, y / 112)
    for x, y in ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
)
"""the 112 px template of InsightFace (Deng et al., 2019)"""

FACENET: Template = ((0.289, 0.4015), (0.711, 0.4015), (0.5, 0.583), (0.319, 0.7375), (0.681, 0.7375))
"""the chip that facenet-pytorch's MTCNN cuts with a margin of 14 px, as for its evaluation on LFW: medians of 159
photographs, made symmetric. The package squeezes a face's box to a square, which ``Region`` does not."""


@dataclass(frozen=True)
class Region:
    """A square of a portrait: its left and upper edge and its side."""

    left: float
    top: float
    side: float


FACE_API = Region(0.15, 0.27, 0.7)
"""what the networks of face-api are given: from the brows to under the chin, as its detector cuts"""


def region_of(template: Template) -> Region:
    """The square from which an average portrait's five points come out at those of ``template`` (least squares)."""
    (a, b), (u, v) = (
        (sum(x) / len(x) for x in zip(*points, strict=True)) for points in (PORTRAIT, template)
    )  # centres of both
    across = sum((x - a) * (p - u) + (y - b) * (q - v) for (x, y), (p, q) in zip(PORTRAIT, template, strict=True))
    own = sum((x - a) ** 2 + (y - b) ** 2 for x, y in PORTRAIT)
    side = own / across  # the chip's coordinates are (portrait - corner) / side
    return Region(a - u * side, b - v * side, side)


def chips(images: Image, region: Region, size: int) -> Image:
    """[n, 3, R, R] portraits to [n, 3, size, size]: the region, with a triangular filter as wide as the reduction.

    Gradients reach the images. Raises ValueError if they are not square.
    """
    height, width = images.shape[-2:]
    if height != width:
        raise ValueError(f"portraits must be square, got {height} x {width} px")
    rows, columns = (
        resampling(width, size, start, region.side).to(images.device, images.dtype)
        for start in (region.top, region.left)
    )
    return rows @ images @ columns.T


@lru_cache(maxsize=64)
def resampling(n: int, size: int, start: float, side: float) -> Tensor:
    """[size, n], rows of sum 1: pixels of the part from ``start`` to ``start + side`` of an axis of n pixels.

    With the whole axis it is ``interpolate(mode="bilinear", antialias=True)``.
    """
    step = side * n / size
    centres = start * n + (torch.arange(size, dtype=torch.float64) + 0.5) * step
    distances = (torch.arange(n, dtype=torch.float64) + 0.5 - centres[:, None]).abs() / max(step, 1.0)
    inside = (1 - distances).clamp(min=0)
    edge = F.one_hot((centres - 0.5).round().long().clamp(0, n - 1), n)  # outside the image its last pixel goes on
    weights = torch.where(inside.sum(dim=1, keepdim=True) > 0, inside, edge)
    return weights / weights.sum(dim=1, keepdim=True)


def similarity(points: Tensor, template: Template) -> Tensor:
    """[n, 2, 3]: the maps x -> s R x + t without reflection that bring ``template`` nearest to points [n, 5, 2].

    As complex numbers the map is z -> a z + b, and least squares give a in closed form.
    """
    z = torch.view_as_complex(torch.tensor(template, dtype=points.dtype, device=points.device))
    w = torch.view_as_complex(points.contiguous())
    centred, mean = z - z.mean(), w.mean(dim=1, keepdim=True)
    a = ((w - mean) * centred.conj()).sum(dim=1) / centred.abs().square().sum()
    b = mean[:, 0] - a * z.mean()
    rows = [torch.stack([a.real, -a.imag, b.real], 1), torch.stack([a.imag, a.real, b.imag], 1)]
    return torch.stack(rows, 1)


def from_points(images: Image, points: Tensor, template: Template, size: int) -> Image:
    """[n, 3, h, w] and five points [n, 5, 2] in pixels to [n, 3, size, size], by the similarity of each image.

    Every pixel is the mean of so many samples that none of the image is skipped; beyond the edges the image is
    mirrored. Gradients reach the images. Raises ValueError if points are missing, not finite, or all in one place.
    """
    if points.shape != (len(images), len(template), 2) or not points.isfinite().all():
        raise ValueError(f"points must be finite and [{len(images)}, {len(template)}, 2], got {list(points.shape)}")
    height, width = images.shape[-2:]
    maps = similarity(points.to(images.device, torch.float32), template)
    sides = maps[:, :, 0].norm(dim=1).tolist()
    if not all(sides):
        raise ValueError("the five points of a face are all in one place")
    chips = []
    for image, move, side in zip(images, maps, sides, strict=True):
        samples = size * math.ceil(side / size)
        axis = (torch.arange(samples, device=images.device) + 0.5) / samples
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1) @ move[:, :2].T + move[:, 2]
        grid = 2 * grid / torch.tensor([width, height], device=images.device) - 1
        sampled = F.grid_sample(
            image[None], grid[None].to(images.dtype), mode="bilinear", padding_mode="reflection", align_corners=False
        )
        chips.append(F.avg_pool2d(sampled, samples // size))
    return torch.cat(chips) if chips else images.new_zeros(0, images.shape[1], size, size)
