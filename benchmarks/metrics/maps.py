"""MAPS, maximal perceptual similarity (section 4.1): the formula that the two metrics of that name share."""

from __future__ import annotations

from torch import Tensor
from torchmetrics.functional.pairwise import pairwise_cosine_similarity


def maps(features: Tensor, reference_features: Tensor) -> Tensor:
    """max_j cos(f_i, r_j): each image's similarity to its nearest neighbour in the reference set.

    ``features`` ``[n, d]`` and ``reference_features`` ``[m, d]`` are of one network; returns ``[n]`` in [-1, 1].
    """
    return pairwise_cosine_similarity(features, reference_features).max(dim=1).values
