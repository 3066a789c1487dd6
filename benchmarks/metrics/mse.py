"""Mean squared error to the photo that the case was made from."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def mse(evaluation: Evaluation) -> Tensor:
    """``[n]``: over pixels and channels of values in [-1, 1], as in the losses; in [0, 1] it is a quarter."""
    return (evaluation.outputs - evaluation.clean).square().mean(dim=(1, 2, 3))


METRIC = Metric(
    name="mse",
    version=1,
    label="MSE",
    description="Mean squared error to the clean photo, of values in [-1, 1].",
    higher_is_better=False,
    range=(0.0, 4.0),
    unit="",
    network=None,
    compute=mse,
)
