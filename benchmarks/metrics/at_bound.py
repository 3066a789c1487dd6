"""How often a projection uses all of the dilation that it is allowed: in P_beta often (MyStyle 4.2)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable

NEARLY = 0.95  # of the bound: softplus comes near it and does not touch it


def at_bound(evaluation: Evaluation) -> Tensor:
    """``[n]``: 1 where the effective dilation is 95 % of the bound or more, else 0."""
    reached = evaluation.fact("dilation", "the code has no coordinates in the person's anchors")
    bound = evaluation.facts["bound"]
    if not bound.isfinite().all() or (bound == 0).any():
        raise Inapplicable("there is no bound to reach, or it is the hull itself")
    return (reached >= NEARLY * bound).float()


METRIC = Metric(
    name="at_bound",
    version=1,
    label="At the bound",
    description="Share of codes whose dilation reached the bound.",
    higher_is_better=None,
    range=(0.0, 1.0),
    unit="",
    network=None,
    compute=at_bound,
)
