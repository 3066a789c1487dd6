"""Intra-cluster diversity (MyStyle 5.1, after Ojha et al.): how much outputs near the same reference photo differ."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.neighbours import neighbours


def diversity(evaluation: Evaluation) -> dict[str, float]:
    """``{reference photo: mean distance of all pairs of the outputs nearest to it}``, its cluster.

    A cluster of one output has no pair and is left out, as in Ojha et al.'s code; MyStyle's zero for real images means
    that it counts as none there. All pairs count, where that code draws fifty members. The mean over clusters is the
    papers' number, the standard deviation over clusters their +-.
    """
    return intra_cluster_diversity(evaluation, scale=1.0)


def intra_cluster_diversity(evaluation: Evaluation, scale: float) -> dict[str, float]:
    """``diversity`` in units of 1 / ``scale``."""
    found = neighbours(evaluation)
    clusters = zip(evaluation.train.files, found.count.tolist(), found.spread.tolist(), strict=True)
    spreads = {f"cluster of {file}": scale * spread for file, count, spread in clusters if count > 1}
    if not spreads:
        raise Inapplicable("no reference photo is nearest to two outputs")
    return spreads


METRIC = Metric(
    name="diversity",
    version=1,
    label="Diversity",
    description="Mean perceptual distance of outputs nearest to the same reference photo, over such clusters.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=diversity,
)
