"""Distances of two sets of images as distributions: FID, KID, precision and recall, all on features [n, d]."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

K = 3  # neighbours, as in the paper
BLOCK = 512  # rows of a distance matrix in memory at once


class Given(nn.Module):
    """The feature network of the two metrics, which are handed features: phi(x) = x."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, x: Tensor) -> Tensor:
        return x


def fid(real: Tensor, fake: Tensor) -> float:
    """||m_r - m_f||^2 + tr(C_r + C_f - 2 (C_r C_f)^(1/2)) (Heusel et al., 2017, Eq. 6), in [0, inf).

    [n, d] twice, in float64: the eigenvalues of C_r C_f lose too much in float32.
    """
    metric = FrechetInceptionDistance(Given(real.shape[1]))
    metric.update(real.double().cpu(), real=True)
    metric.update(fake.double().cpu(), real=False)
    # features that are always zero make C singular, and the square root leaves a rounding error below zero
    return max(0.0, metric.compute().item())


def kid(real: Tensor, fake: Tensor, subset: int, subsets: int = 100, seed: int = 0) -> tuple[float, float]:
    """Unbiased MMD^2 with k(x, y) = (x.y / d + 1)^3 (Binkowski et al., 2018, section 4): mean and standard deviation
    over ``subsets`` random subsets of ``subset`` rows. [n, d] twice; 0 in expectation for equal distributions."""
    with torch.random.fork_rng(), warnings.catch_warnings():  # torchmetrics draws from the global generator
        warnings.simplefilter("ignore", UserWarning)  # it keeps all features, which is what we want
        torch.manual_seed(seed)
        metric = KernelInceptionDistance(Given(real.shape[1]), subsets=subsets, subset_size=subset)
        metric.update(real.double().cpu(), real=True)
        metric.update(fake.double().cpu(), real=False)
        mean, std = metric.compute()
    return mean.item(), std.item()


def precision_recall(real: Tensor, fake: Tensor, k: int = K) -> tuple[float, float]:
    """Precision: the share of ``fake`` inside the manifold of ``real``; recall: the reverse (Kynkäänniemi et al.,
    2019, Eq. 2). [n, d] twice, more than k rows each; both in [0, 1]."""
    return coverage(fake, real, k), coverage(real, fake, k)


def coverage(points: Tensor, manifold: Tensor, k: int = K) -> float:
    """The mean of f(phi, Phi), Eq. 1: whether a point lies in any ball around a feature phi' of ``manifold`` whose
    radius is the distance from phi' to its k-th neighbour there."""
    r = radii(manifold, k)
    inside = [(distances(block, manifold) <= r).any(dim=1) for block in points.split(BLOCK)]
    return torch.cat(inside).double().mean().item()


def radii(features: Tensor, k: int = K) -> Tensor:
    """||phi - NN_k(phi, Phi)|| of every row, itself not counted: [n, d] -> [n]."""
    return torch.cat([distances(block, features).kthvalue(k + 1, dim=1).values for block in features.split(BLOCK)])


def distances(a: Tensor, b: Tensor) -> Tensor:
    """[n, d], [m, d] -> [n, m], from differences: by matrix product a row would not be at distance 0 from itself."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
