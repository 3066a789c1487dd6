"""Faces in photos: MTCNN (Zhang et al. 2016), in facenet-pytorch's implementation with the weights of its wheel.

Photos are reduced for detection, and what is found is mapped back to the pixels of the photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [h, w, 3]
Points = NDArray[np.float64]  # [5, 2]

LONGEST = 1280  # pixels of the longer side in which faces are looked for
SMALLEST = 20  # pixels, below which MTCNN finds no face
BATCH = 8  # photos of one size at a time; more are not faster on a CPU


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo, in pixels of the photo: x to the right, y down, (0, 0) the corner of the first pixel.

    ``points`` are the eye on the left of the photo, the other eye, the tip of the nose, the left corner of the mouth
    and the right one. ``probability`` is the detector's own, in [0, 1].
    """

    box: tuple[float, float, float, float]  # left, top, right, bottom
    points: Points
    probability: float

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


Detector = Callable[[Sequence[Pixels]], list[tuple[Face, ...]]]
"""Photos of any sizes -> the faces of each, the largest first"""


class Mtcnn:
    """A ``Detector``. Faces whose box is narrower than ``least`` pixels of the photo are not looked for."""

    def __init__(self, least: float = SMALLEST, device: str = "cpu") -> None:
        import torch
        from facenet_pytorch import MTCNN

        self.least = least
        self.network = MTCNN(keep_all=True, device=torch.device(device))  # read with torch.load's weights_only

    def __call__(self, photos: Sequence[Pixels]) -> list[tuple[Face, ...]]:
        reduced = [fitted(photo, LONGEST) for photo in photos]
        found: list[tuple[Face, ...]] = [()] * len(photos)
        sizes = [(*small.shape, *photo.shape) for small, photo in zip(reduced, photos, strict=True)]
        for batch in batches(sizes):  # of one size and one scale
            height, width = photos[batch[0]].shape[:2]
            rows, columns = reduced[batch[0]].shape[:2]
            scale = (width / columns, height / rows)
            least = max(SMALLEST, self.least / max(scale))
            if min(rows, columns) < least:
                continue  # MTCNN raises where no face would fit into the image
            self.network.min_face_size = least
            results = self.network.detect([PIL.Image.fromarray(reduced[i]) for i in batch], landmarks=True)
            for i, boxes, probabilities, points in zip(batch, *results, strict=True):
                found[i] = faces(boxes, probabilities, points, scale)
        return found


def fitted(photo: Pixels, longest: int) -> Pixels:
    """The photo, reduced where its longer side has more than ``longest`` pixels."""
    height, width = photo.shape[:2]
    if max(height, width) <= longest:
        return photo
    ratio = longest / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return np.asarray(PIL.Image.fromarray(photo).resize(size, PIL.Image.Resampling.BOX, reducing_gap=2.0))


def batches(shapes: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Positions of equal shapes, at most ``BATCH`` together."""
    places: dict[tuple[int, ...], list[int]] = {}
    for i, shape in enumerate(shapes):
        places.setdefault(shape, []).append(i)
    return [of[start : start + BATCH] for of in places.values() for start in range(0, len(of), BATCH)]


def faces(boxes: Any, probabilities: Any, points: Any, scale: tuple[float, float]) -> tuple[Face, ...]:
    """What MTCNN says of one image (arrays of objects, or None), in the pixels of the photo, the largest first."""
    if boxes is None:
        return ()
    factor = np.array(scale, dtype=np.float64)
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2) * factor
    places = np.asarray(points, dtype=np.float64) * factor
    found = [
        Face(tuple(box.ravel().tolist()), place, float(probability))
        for box, place, probability in zip(corners, places, probabilities, strict=True)
        if np.isfinite(box).all() and np.isfinite(place).all()
    ]
    return tuple(sorted(found, key=lambda face: -face.area))
