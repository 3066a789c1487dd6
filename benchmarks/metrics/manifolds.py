"""The manifold of a set of features: balls that reach to the third neighbour (Kynkaanniemi et al., 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

NEIGHBOUR = 3


def covered(points: Tensor, centres: Tensor) -> Tensor:
    """Whether each of ``points`` [n, d] lies in the ball of some of ``centres`` [m, d]: bool [n]."""
    radius = radii(centres)
    return torch.cat([(distance <= radius).any(dim=1) for distance in distances(points, centres)])


def radii(centres: Tensor) -> Tensor:
    """[m], in float64: a centre's ball reaches to its third neighbour among them, to the farthest of fewer."""
    k = min(NEIGHBOUR, len(centres) - 1)
    apart = torch.cdist(centres.double(), centres.double(), compute_mode="donot_use_mm_for_euclid_dist")
    return apart.kthvalue(k + 1, dim=1).values  # the first is the centre itself


def distances(points: Tensor, centres: Tensor) -> list[Tensor]:
    """Euclidean distances of ``points`` [n, d] from ``centres`` [m, d], [.., m] for some of the points at a time."""
    return [
        torch.cdist(p, centres.double(), compute_mode="donot_use_mm_for_euclid_dist")
        for p in points.double().split(1024)
    ]
