"""Effective dilation (MyStyle 3.2 and C.1): the least beta whose space holds the code that a projection ended with."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def dilation(evaluation: Evaluation) -> Tensor:
    """``[n]``: max(0, -min alpha) over layers and anchors. Raises Inapplicable for codes that have no coordinates."""
    if "dilation" not in evaluation.facts:
        raise Inapplicable("the code has no coordinates in the person's anchors")
    return evaluation.facts["dilation"]


METRIC = Metric(
    name="dilation",
    version=1,
    label="Dilation",
    description="Effective dilation of the code: the least beta whose space holds it.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network=None,
    compute=dilation,
)
