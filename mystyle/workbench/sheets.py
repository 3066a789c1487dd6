"""Contact sheets: many pictures in one, with or without names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F

from mystyle.types import Image, to_uint8

DPI = 100
SHOWN_AT = 128  # dots a side of a picture, at least; smaller ones are enlarged


def mosaic(images: Image, columns: int) -> np.ndarray:
    """[n, 3, R, R] in rows of ``columns``, every pixel a square of whole dots, the rest of the last row white.

    uint8 [h, w, 3].
    """
    n, _, size, _ = images.shape
    rows = -(-n // columns)
    cells = torch.full((rows * columns, 3, size, size), 255, dtype=torch.uint8)
    cells[:n] = to_uint8(images)
    cells = F.interpolate(cells, scale_factor=max(1, SHOWN_AT // size), mode="nearest")
    return cells.unflatten(0, (rows, columns)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).numpy()


def grid(path: Path, images: Image, columns: int) -> None:
    """The pictures alone."""
    PIL.Image.fromarray(mosaic(images, columns)).save(path)


def labelled_grid(path: Path, images: Image, rows: Sequence[str], columns: Sequence[str]) -> None:
    """The pictures [r * c, 3, R, R], one dot per enlarged pixel, with names of the ``rows`` and the ``columns``."""
    from matplotlib.figure import Figure

    picture = mosaic(images, len(columns))
    (height, width), (left, top) = picture.shape[:2], (70, 30)
    figure = Figure(figsize=((left + width) / DPI, (top + height) / DPI), dpi=DPI)
    axes = figure.add_axes((left / (left + width), 0, width / (left + width), height / (top + height)))
    axes.imshow(picture, extent=(0, len(columns), len(rows), 0), aspect="auto", interpolation="nearest")
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    figure.savefig(path)
