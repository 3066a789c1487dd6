"""Improved recall (Kynkaanniemi et al., 2019): the share of reference photos within the manifold of the outputs."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.manifolds import covered


def recall(evaluation: Evaluation) -> dict[str, float]:
    """``{reference photo: 1 or 0}``: whether it lies in some output's ball. As many outputs as photos are looked at.

    More outputs would cover more: the balls of a larger set are smaller but many more.
    """
    outputs = evaluation.deep("outputs")[: len(evaluation.train)]
    if len(outputs) < 2:
        raise Inapplicable("needs two outputs")
    inside = covered(evaluation.deep("train"), outputs).float().tolist()
    return dict(zip(evaluation.train.files, inside, strict=True))


METRIC = Metric(
    name="recall",
    version=1,
    label="Recall",
    description="Share of reference photos within the third-neighbour balls of as many outputs, on features.",
    higher_is_better=True,
    range=(0.0, 1.0),
    unit="",
    network="judge",
    compute=recall,
)
