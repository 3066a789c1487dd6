"""The page's pictures, as PNG: labelled, and readable in grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from mystyle.types import Image, to_uint8

if TYPE_CHECKING:
    from mystyle.pretrain.evidence.recognition import Roc

DPI = 100
SHOWN_AT = 128  # dots a side of a picture, at least; smaller ones are enlarged
DOTS = 1500  # at most, in a scatter plot; more would be a blot
FALSE_ACCEPTS = 1e-5  # where the axis of a ROC curve starts


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


def roc_curve(path: Path, curve: Roc) -> None:
    """True against false accepts, the latter on a logarithmic axis, with chance and the equal error rate."""
    figure = Figure(figsize=(5, 4), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    x = np.geomspace(FALSE_ACCEPTS, 1, 200)
    axes.plot(x, x, ":", color="0.6", label="chance")
    axes.plot(x, 1 - x, "--", color="0.6", label="false accepts = false rejects")
    # from where all pairs are accepted; a threshold without a false accept has no place on a logarithmic axis
    false = np.append(1.0, np.maximum(curve.false_accepts.numpy(), FALSE_ACCEPTS / 10))
    axes.step(
        false, np.append(1.0, curve.true_accepts.numpy()), "k-", where="pre", label=f"all pairs, AUC {curve.auc:.4f}"
    )
    e = curve.equal_error_rate
    axes.plot(e, 1 - e, "ko", label=f"equal error rate {e:.1%}")
    axes.set(xscale="log", xlim=(FALSE_ACCEPTS, 1), ylim=(0, 1.01))
    axes.set(xlabel="false accepts: share of pairs of two people", ylabel="true accepts: share of pairs of one person")
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path)


def scatter(path: Path, estimates: Mapping[str, Tensor], truths: Mapping[str, Tensor], units: Mapping[str, str]):
    """Estimate against truth, a panel per attribute; the line is where both are equal."""
    columns = min(5, len(estimates))
    rows = -(-len(estimates) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.5 * rows), dpi=DPI, layout="constrained")
    for i, (name, x) in enumerate(estimates.items()):
        y = truths[name]
        axes = figure.add_subplot(rows, columns, i + 1)
        ends = float(y.min()), float(y.max())
        axes.plot(ends, ends, "-", color="0.6", linewidth=1)
        axes.plot(y[:DOTS], x[:DOTS], "k.", markersize=2, alpha=0.4)
        axes.set_title(f"{name} [{units[name]}]" if name in units else name, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.supxlabel("true", fontsize=9)
    figure.supylabel("estimated", fontsize=9)
    figure.savefig(path)
