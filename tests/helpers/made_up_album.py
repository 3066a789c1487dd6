"""Albums without faces: noise with a tint for each person, a detector that knows where it is, a recogniser of tints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from mystyle.albums.curate import Settings
from mystyle.albums.detect import Face, Pixels
from mystyle.albums.filters import Filters
from mystyle.albums.people import Recogniser

TEMPLATE = np.array([(0.378, 0.4735), (0.622, 0.4735), (0.5, 0.617), (0.3935, 0.738), (0.6065, 0.738)])
"""five points of a level frontal face, whose square by ``crop_of`` is about the unit square"""
RESOLUTION, SIDE, HEIGHT, WIDTH = 32, 48, 64, 80  # of portraits, faces and photos
TINTS = {"alice": (200, 60, 60), "bob": (60, 200, 60), "carol": (60, 60, 200), "dave": (200, 200, 60)}
SETTINGS = Settings(RESOLUTION, Filters(least_pixels=32), test=3)


def face_at(
    left: float, top: float, side: float = SIDE, nose: Sequence[float] = (0, 0), probability: float = 1
) -> Face:
    """The face of about this square; ``nose`` moves its tip by shares of the side."""
    points = TEMPLATE.copy()
    points[2] += nose
    box = (left + 0.25 * side, top + 0.25 * side, left + 0.75 * side, top + 0.85 * side)
    return Face(box, np.array([left, top]) + side * points, probability)


def noise(person: str, seed: int, side: int = SIDE) -> Pixels:
    """Fine and coarse noise [side, side, 3] in the person's colour; two seeds correlate by their colour alone."""
    rng = np.random.default_rng([seed, *person.encode()])
    cells = PIL.Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    coarse = np.asarray(cells.resize((side, side), PIL.Image.Resampling.NEAREST), np.float64) - 128
    return (TINTS[person] + 0.45 * coarse + rng.normal(0, 12, (side, side, 3))).clip(0, 255).astype(np.uint8)


@dataclass
class MadeUp:
    """Writes photos into ``folder``, and is the detector that knows what is in them."""

    folder: Path
    known: dict[bytes, tuple[Face, ...]] = field(default_factory=dict)

    def photo(self, name: str, *people: tuple[Pixels, Face], width: int = WIDTH, **saved: object) -> Path:
        """A grey photo with the pixels of each face in the box of its square."""
        canvas = np.full((HEIGHT, width, 3), 128, np.uint8)
        for pixels, face in people:
            left, top = np.rint(face.points[0] - TEMPLATE[0] * len(pixels)).astype(int)
            rows, columns = (np.arange(len(pixels)) + start for start in (top, left))
            y, x = (places[(places >= 0) & (places < size)] for places, size in ((rows, HEIGHT), (columns, width)))
            canvas[np.ix_(y, x)] = pixels[np.ix_(y - top, x - left)]
        self.folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(canvas).save(path := self.folder / name, **saved)
        self.known[canvas.tobytes()] = tuple(sorted((face for _, face in people), key=lambda face: -face.area))
        return path

    def add(self, person: str, count: int, start: int = 0) -> None:
        """``count`` photos of the person, numbered from ``start``."""
        for i in range(start, start + count):
            self.photo(f"{person}_{i:02d}.png", (noise(person, i), face_at(12, 8)))

    def __call__(self, photos: Sequence[Pixels]) -> list[tuple[Face, ...]]:
        return [self.known.get(photo.tobytes(), ()) for photo in photos]


def embed(images: Tensor) -> Tensor:
    """The colour of the middle, without its grey, as a unit vector."""
    edge = RESOLUTION // 4
    middle = images[..., edge:-edge, edge:-edge].mean(dim=(2, 3))
    return torch.nn.functional.normalize(middle - middle.mean(dim=1, keepdim=True), dim=1)


RECOGNISER = Recogniser(embed, 0.6, "colour", "0" * 64)
