"""The reference photo nearest to each output, by the domain's perceptual distance: what several metrics start from.

With the embedding of ``mystyle.networks.features`` a distance is ||e_a - e_b||^2, so that one matrix product compares a
batch of outputs with all photos, and the mean distance of all pairs of a cluster of n is 2 n / (n - 1) (mean
||e||^2 - ||mean e||^2): ten thousand images are passed through the network once and no pair is formed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Inapplicable
from mystyle.types import Image


@dataclass(frozen=True)
class Neighbours:
    """n outputs beside N photos."""

    distance: Tensor  # [n], to the nearest photo
    photo: Tensor  # [n], which one that is
    count: Tensor  # [N], outputs that are nearest to each photo
    spread: Tensor  # [N], mean distance of all pairs of those; NaN where there are fewer than two


def neighbours(evaluation: Evaluation) -> Neighbours:
    """Of the outputs in the reference set."""
    return evaluation.once(
        ("neighbours", "outputs"), lambda: nearest(evaluation, evaluation.pixels, evaluation.images("train"))
    )


@torch.inference_mode()
def nearest(evaluation: Evaluation, images: Image | Tensor, photos: Image) -> Neighbours:
    """Of ``images`` [n, 3, R, R], float or uint8, in ``photos`` [N, 3, R, R]."""
    embed = evaluation.domain.perceptual.embedding
    e = torch.cat([embed(*batch) for batch in evaluation.batches(photos)])  # [N, D]
    own = torch.einsum("nd,nd->n", e, e)
    sums, squares, count = torch.zeros_like(e), torch.zeros_like(own), torch.zeros_like(own)
    distance, photo = [], []
    for batch in evaluation.batches(images):
        x = embed(*batch)
        norm = torch.einsum("nd,nd->n", x, x)
        least, index = (norm[:, None] - 2 * x @ e.T + own).min(dim=1)
        sums.index_add_(0, index, x)
        squares.index_add_(0, index, norm)
        count.index_add_(0, index, torch.ones_like(norm))
        distance.append(least.clamp_min(0).cpu())
        photo.append(index.cpu())
    n = count.clamp_min(1)
    spread = 2 * n / (n - 1) * (squares / n - torch.einsum("nd,nd->n", sums, sums) / n.square())
    spread = torch.where(count > 1, spread, torch.nan)
    return Neighbours(torch.cat(distance), torch.cat(photo), count.long().cpu(), spread.cpu())


def mean_pair_distance(evaluation: Evaluation, images: Image | Tensor) -> float:
    """The mean perceptual distance of all pairs of ``images``. Raises Inapplicable for fewer than two."""
    n, total, squares = len(images), torch.zeros(()), torch.zeros(())
    if n < 2:
        raise Inapplicable("a pair needs two images")
    with torch.inference_mode():
        for batch in evaluation.batches(images):
            x = evaluation.domain.perceptual.embedding(*batch)
            total = total + x.sum(dim=0)
            squares = squares + x.square().sum()
    return float(2 * n / (n - 1) * (squares / n - (total / n).square().sum()))
