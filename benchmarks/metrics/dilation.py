"""Effective dilation (MyStyle 3.2 and C.1): the least beta whose space holds the code that a projection ended with."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def dilation(evaluation: Evaluation) -> Tensor:
    """``[n]``: max(0, -min alpha) over layers and anchors. Raises Inapplicable for codes that have no coordinates."""
    return evaluation.fact("dilation", "the code has no coordinates in the person's anchors")


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
