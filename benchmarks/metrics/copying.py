"""Distances to the nearest reference photo at equal sharpness, of outputs and of held-out photos: tests of copying.

A blurred image lies nearer to most photos than a sharp one does, as the mean of all lies nearest, so that a method that
blurs would seem to copy. Where the outputs are blurred, the photos of both sets are blurred as much before anything is
compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation
from benchmarks.metrics.neighbours import nearest
from benchmarks.metrics.sharpness import edges, edges_of
from mystyle.degradations import Blur
from mystyle.types import Image

WIDEST = 1 / 16  # of the image's side: the widest blur that is looked for
HALVINGS = 12  # of the interval that holds its width
LOOKED_AT = 32  # reference photos by which it is found


@dataclass(frozen=True)
class Copying:
    """Distances to the nearest reference photo."""

    outputs: Tensor  # [n]
    new_photos: Tensor  # [m], of held-out photos


def copying(evaluation: Evaluation) -> Copying:
    """Raises Inapplicable where there is no reference photo or no held-out one."""
    found: Copying = evaluation.once(("copying", "outputs"), lambda: _compare(evaluation))
    return found


def _compare(evaluation: Evaluation) -> Copying:
    train, new = evaluation.images("train"), evaluation.images("held_out")
    sigma = blur_to(train[:LOOKED_AT], float(edges_of(evaluation, "outputs").mean()))
    if sigma > 0:
        train, new = (evaluation.apply(Blur(sigma), photos) for photos in (train, new))
    ours, theirs = (nearest(evaluation, images, train).distance for images in (evaluation.pixels, new))
    return Copying(ours, theirs)


@torch.inference_mode()
def blur_to(photos: Image, sharpness: float) -> float:
    """The sigma in pixels of the Gaussian that leaves ``photos`` [n, 3, R, R] with this mean of ``edges``.

    0 where they are no sharper than that. Found by halving an interval, since a wider blur leaves less.
    """
    if float(edges(photos).mean()) <= sharpness:
        return 0.0
    low, high = 0.0, WIDEST * photos.shape[-1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(edges(Blur(middle)(photos)).mean()) > sharpness else (low, middle)
    return high
