"""Contact sheets: many images in one, with or without names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch.nn.functional as F
from torchvision.utils import make_grid

from mystyle.types import Image, to_uint8

DPI = 100
SHOWN_AT = 128  # dots a side of an image, at least; smaller ones are enlarged


def mosaic(images: Image, columns: int) -> np.ndarray:
    """[n, 3, R, R] in rows of ``columns``, every pixel a square of whole dots, the rest of the last row white.

    uint8 [h, w, 3].
    """
    cells = F.interpolate(to_uint8(images), scale_factor=max(1, SHOWN_AT // images.shape[-1]), mode="nearest")
    return np.asarray(make_grid(cells, columns, padding=0, pad_value=255).permute(1, 2, 0))


def grid(path: Path, images: Image, columns: int) -> None:
    """The images alone."""
    PIL.Image.fromarray(mosaic(images, columns)).save(path)


def labelled_grid(path: Path, images: Image, rows: Sequence[str], columns: Sequence[str]) -> None:
    """The images [r * c, 3, R, R], one dot per enlarged pixel, with names of the ``rows`` and the ``columns``."""
    from matplotlib.figure import Figure

    pixels = mosaic(images, len(columns))
    (height, width), (left, top) = pixels.shape[:2], (14 + 8 * max(map(len, rows)), 30)  # 8 dots hold a letter
    figure = Figure(figsize=((left + width) / DPI, (top + height) / DPI), dpi=DPI)
    axes = figure.add_axes((left / (left + width), 0, width / (left + width), height / (top + height)))
    axes.imshow(pixels, extent=(0, len(columns), len(rows), 0), aspect="auto", interpolation="nearest")
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, parse_math=False)  # a name may hold a $
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, parse_math=False)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    figure.savefig(path)
