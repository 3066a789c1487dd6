"""How far a code is from the mean of P-norm+ (II2S, Figure 7)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def code_distance(evaluation: Evaluation) -> Tensor:
    """``[n]``: RMS over all coordinates, in deviations. Raises Inapplicable for what has no code in P-norm+."""
    return evaluation.fact("code_distance", "the image has no code in P-norm+")


METRIC = Metric(
    name="code_distance",
    version=1,
    label="Distance of codes",
    description="RMS of a code's coordinates in P-norm+; 1 for codes of the mapping network.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network=None,
    compute=code_distance,
)
