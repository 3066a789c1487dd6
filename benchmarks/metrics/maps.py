"""MAPS, maximal perceptual similarity (section 4.1): the formula that the two metrics of that name share."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize


def maps(features: Tensor, reference_features: Tensor) -> Tensor:
    """max_j cos(f_i, r_j): each image's similarity to its nearest neighbour in the reference set.

    ``features`` ``[n, d]`` and ``reference_features`` ``[m, d]`` are of one network; returns ``[n]`` in [-1, 1].
    """
    return (normalize(features) @ normalize(reference_features).T).max(dim=1).values
