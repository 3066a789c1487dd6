"""MAPS to the reference set, the number of the paper's tables (sections 4.1 and 5)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.maps import maps


def maps_train(evaluation: Evaluation) -> Tensor:
    """``[n]``: similarity of each output to the most similar photo of the reference set."""
    return maps(evaluation.deep("outputs"), evaluation.deep("train"))


METRIC = Metric(
    name="maps_train",
    version=1,
    label="MAPS",
    description="Maximal perceptual similarity to the reference set, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=maps_train,
)
