"""How much of a code is where the mapping network has next to none (II2S, Figure 8)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def code_outliers(evaluation: Evaluation) -> Tensor:
    """``[n]``: of all coordinates. Raises Inapplicable for what has no code in P-norm+."""
    return evaluation.fact("code_outliers", "the image has no code in P-norm+")


METRIC = Metric(
    name="code_outliers",
    version=1,
    label="Outliers of codes",
    description="Share of a code's coordinates in P-norm+ that are beyond two deviations; 0.046 of normal ones.",
    higher_is_better=None,
    range=(0.0, 1.0),
    unit="",
    network=None,
    compute=code_outliers,
)
