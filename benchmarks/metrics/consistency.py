"""How well a restored image explains its input: degraded alike, it should be the input again (Eq. 5)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def consistency(evaluation: Evaluation) -> Tensor:
    """``[n]``: root mean square of phi(output) - input, in 8-bit levels."""
    problem = evaluation.problem
    if problem.degradation is None or problem.degraded is None:
        raise Inapplicable("the image was made from no input")
    if problem.mask is not None:
        raise Inapplicable("the known pixels are put back, so that nothing is left to explain")
    error = (problem.degradation(evaluation.outputs) - problem.degraded).square()
    return 127.5 * error.flatten(1).mean(dim=1).sqrt()


METRIC = Metric(
    name="consistency",
    version=1,
    label="Input error",
    description="RMS difference between the input and the output degraded alike.",
    higher_is_better=False,
    range=(0.0, 255.0),
    unit="8-bit levels",
    network=None,
    compute=consistency,
)
