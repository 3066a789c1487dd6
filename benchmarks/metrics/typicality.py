"""How typical the photo is that a case was made from: its MAPS to the reference set. Says nothing of the method."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.maps import maps


def typicality(evaluation: Evaluation) -> Tensor:
    """``[n]``: similarity of the clean photo to the most similar reference photo."""
    return maps(evaluation.deep("clean"), evaluation.deep("train"))


METRIC = Metric(
    name="typicality",
    version=1,
    label="Typicality",
    description="MAPS of the photo that the case was made from; says nothing of the method.",
    higher_is_better=None,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=typicality,
)
