"""FFHQ's alignment (Karras et al. 2019, appendix A), from five points instead of 68.

A portrait is a square of the photo, turned so that the eyes are level, whose place and size follow from eyes and mouth.
Differences from FFHQ's script: what lies outside the photo is its plain reflection, without the fading into a blur,
and the pixels are interpolated once, by cubic interpolation of an image that is at least as fine as the portrait and
at most reduced by an antialiasing filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mystyle.albums.detect import Pixels, Points

MARGIN = 4  # pixels around a crop for the cubic kernel
PROBES = 32  # points a side by which the part outside the photo is measured


@dataclass(frozen=True, eq=False)
class Crop:
    """A square in a photo: ``centre`` [2], and ``right`` [2], half of its upper side, in pixels of the photo."""

    centre: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def down(self) -> NDArray[np.float64]:
        """Half of its left side."""
        return np.array([-self.right[1], self.right[0]])

    @property
    def side(self) -> float:
        """Pixels a side."""
        return 2 * float(np.hypot(*self.right))

    @property
    def corners(self) -> NDArray[np.float64]:
        """[4, 2]: top left, bottom left, bottom right, top right."""
        return self.places(np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=np.float64))

    def places(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where in the photo the points [..., 2] of the portrait lie, given in shares of its side."""
        x, y = np.moveaxis(2 * shares - 1, -1, 0)[..., None]
        return np.asarray(self.centre + x * self.right + y * self.down)

    def outside(self, width: int, height: int) -> float:
        """The share of the square that lies outside a photo of this size."""
        steps = (np.arange(PROBES) + 0.5) / PROBES
        places = self.places(np.stack(np.meshgrid(steps, steps), axis=-1))
        inside = (places > 0).all(axis=-1) & (places < (width, height)).all(axis=-1)
        return 1 - float(inside.mean())


def crop_of(points: Points) -> Crop:
    """FFHQ's square of five ``points`` [5, 2] (see ``Face``). Raises ValueError where they coincide."""
    left_eye, right_eye, _, left_mouth, right_mouth = points
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    between, down = right_eye - left_eye, mouth - eyes
    right = between - np.array([-down[1], down[0]])
    length = float(np.hypot(*right))
    if not length > 0:
        raise ValueError("eyes and mouth coincide")
    half = max(2.0 * float(np.hypot(*between)), 1.8 * float(np.hypot(*down)))
    return Crop(eyes + 0.1 * down, right / length * half)


def portrait(photo: Pixels, crop: Crop, resolution: int) -> Pixels:
    """The square as uint8 [resolution, resolution, 3].

    Memory is in proportion to the square; a caller asks ``outside`` first, because it may be larger than the photo.
    """
    shrink = max(1, int(crop.side / resolution / 2))
    part, origin = cut(photo, crop, MARGIN * shrink)
    image = PIL.Image.fromarray(part)
    if shrink > 1:
        width, height = (side // shrink * shrink for side in image.size)  # ``reduce`` would average a shorter last cell
        image = image.crop((0, 0, width, height)).reduce(shrink)
    fine = max(1, int(np.ceil(crop.side / shrink / resolution))) * resolution
    top_left = (crop.corners[0] - origin) / shrink
    right, down = 2 * crop.right / shrink / fine, 2 * crop.down / shrink / fine
    affine = (right[0], down[0], top_left[0], right[1], down[1], top_left[1])
    kinds = PIL.Image.Transform, PIL.Image.Resampling
    image = image.transform((fine, fine), kinds[0].AFFINE, affine, kinds[1].BICUBIC)
    return np.asarray(image if fine == resolution else image.resize((resolution, resolution), kinds[1].LANCZOS))


def cut(photo: Pixels, crop: Crop, margin: int) -> tuple[Pixels, NDArray[np.int64]]:
    """The smallest upright part of the photo that holds the square, and its corner (x, y) in the photo.

    Reflected where it lies outside the photo.
    """
    height, width = photo.shape[:2]
    low = np.floor(crop.corners.min(axis=0)).astype(int) - margin
    high = np.ceil(crop.corners.max(axis=0)).astype(int) + margin
    columns, rows = (reflected(low[i], high[i], size) for i, size in enumerate((width, height)))
    return np.ascontiguousarray(photo[rows[:, None], columns]), low


def reflected(low: int, high: int, size: int) -> NDArray[np.int64]:
    """Positions low .. high - 1 of a row of ``size`` pixels that is continued by its reflections."""
    place = np.mod(np.arange(low, high), 2 * size)
    return np.where(place < size, place, 2 * size - 1 - place)
