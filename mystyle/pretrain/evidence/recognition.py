"""Accuracy of the feature networks: verification of identities, and regression of attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor

BLOCK = 512  # rows of the matrix of all pairs in memory at once


@dataclass(frozen=True)
class Roc:
    """Acceptance at every threshold that a pair of the same person sets, from the lowest threshold to the highest."""

    false_accepts: Tensor
    """the share of pairs of different people accepted, [same]"""
    true_accepts: Tensor
    """the share of pairs of one person accepted, [same]"""
    auc: float
    """probability that a pair of one person is more similar than a pair of two; ties count against it"""
    others: int
    """number of pairs of different people"""

    @property
    def equal_error_rate(self) -> float:
        """Where false accepts and false rejects are most nearly equal, their mean."""
        false_rejects = 1 - self.true_accepts
        i = (self.false_accepts - false_rejects).abs().argmin()
        return ((self.false_accepts[i] + false_rejects[i]) / 2).item()

    def true_accepts_at(self, false_accepts: float) -> float:
        """The largest share of true accepts with at most this share of false ones; 0 where no threshold has it."""
        allowed = self.true_accepts[self.false_accepts <= false_accepts]
        return allowed.max().item() if len(allowed) else 0.0


def roc(embeddings: Tensor, identities: Tensor) -> Roc:
    """Verification over all pairs of n images: unit ``embeddings`` [n, e], ``identities`` [n].

    Pairs of different people are counted between the sorted similarities of the pairs of one person and not kept, so
    that 20,000 images, two hundred million pairs, need no more memory than a block. Nothing is approximated.
    """
    same = torch.cat([cosine[alike] for cosine, alike in pairs(embeddings, identities)]).sort().values
    below = torch.zeros(len(same) + 1, dtype=torch.long, device=same.device)
    for cosine, alike in pairs(embeddings, identities):  # below[j]: pairs of two people with j of ``same`` below them
        below += torch.bincount(torch.searchsorted(same, cosine[~alike], right=True), minlength=len(same) + 1)
    others, ranks = int(below.sum()), torch.arange(len(same) + 1, device=same.device)
    accepted = below.flip(0).cumsum(0).flip(0)[1:]
    return Roc(
        false_accepts=(accepted.double() / others).cpu(),
        true_accepts=(1 - ranks[:-1].double() / len(same)).cpu(),
        auc=1 - (below.double() * ranks).sum().item() / (others * len(same)),
        others=others,
    )


def pairs(embeddings: Tensor, identities: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Every pair i < j once, in blocks: cosine [m] and whether the two are one person [m]."""
    columns = torch.arange(len(embeddings), device=embeddings.device)
    for rows in columns.split(BLOCK):
        once = rows[:, None] < columns
        yield (embeddings[rows] @ embeddings.T)[once], (identities[rows][:, None] == identities)[once]


def regression(estimate: Tensor, truth: Tensor) -> dict[str, float | None]:
    """Errors of one attribute, [n] twice, in its unit: mean absolute error, and that of always predicting the median;
    R^2 and Spearman's rank correlation, None where the truth (or, for the latter, the estimate) never varies."""
    x, y = estimate.double().cpu(), truth.double().cpu()
    spread = (y - y.mean()).square().sum()
    return {
        "mae": (x - y).abs().mean().item(),
        "mae_of_median": (y - y.median()).abs().mean().item(),
        "r2": (1 - (x - y).square().sum() / spread).item() if spread > 0 else None,
        "rank_correlation": float(spearmanr(x, y).statistic) if spread > 0 and x.std() > 0 else None,
    }
