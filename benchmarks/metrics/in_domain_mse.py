"""Mean squared error of random codes' images by the tuned generator, to the original's (PTI, Figures 15 and 17)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def in_domain_mse(evaluation: Evaluation) -> Tensor:
    """``[n]``: the mean over an inversion's random codes. Raises Inapplicable where the task renders none."""
    return evaluation.fact("in_domain_mse", "the task renders no random codes")


METRIC = Metric(
    name="in_domain_mse",
    version=1,
    label="MSE, random codes",
    description="Mean squared error between images of random codes before and after tuning, of values in [-1, 1].",
    higher_is_better=False,
    range=(0.0, 4.0),
    unit="",
    network=None,
    compute=in_domain_mse,
)
