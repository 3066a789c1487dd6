"""MAPS to the person in the photo, where the prior is of somebody else (MyStyle, Figure 14)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.maps import maps


def maps_subject(evaluation: Evaluation) -> Tensor:
    """``[n]``: similarity to the most similar reference photo of the person in the photo."""
    return maps(evaluation.deep("outputs"), evaluation.deep("subject"))


METRIC = Metric(
    name="maps_subject",
    version=1,
    label="MAPS, who is in the photo",
    description="Maximal perceptual similarity to the person in the photo, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=maps_subject,
)
