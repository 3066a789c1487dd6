"""Improved precision (Kynkaanniemi et al., 2019): the share of outputs within the manifold of the reference set."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.manifolds import covered


def precision(evaluation: Evaluation) -> Tensor:
    """``[n]``: 1 where the output lies in some reference photo's ball, else 0."""
    if len(evaluation.train) < 2:
        raise Inapplicable("needs two reference photos")
    return covered(evaluation.deep("outputs"), evaluation.deep("train")).float()


METRIC = Metric(
    name="precision",
    version=1,
    label="Precision",
    description="Share of outputs within the third-neighbour balls of the reference photos, on the judge.",
    higher_is_better=True,
    range=(0.0, 1.0),
    unit="",
    network="judge",
    compute=precision,
)
