"""How well a restored picture explains its input: degraded alike, it should be the input again (Eq. 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.protocol import Evaluation, Inapplicable, Metric


def consistency(evaluation: Evaluation) -> Tensor:
    """``[n]``: root mean square of phi(output) - input, in 8-bit levels, over what the input shows."""
    problem = evaluation.problem
    if problem.degradation is None:
        raise Inapplicable("the picture was made from no input")
    error = (problem.degradation(evaluation.outputs) - problem.degraded).square()
    if problem.mask is None:
        return 127.5 * error.flatten(1).mean(dim=1).sqrt()
    shown = problem.mask.expand_as(error)
    return 127.5 * torch.sqrt((error * shown).flatten(1).sum(dim=1) / shown.flatten(1).sum(dim=1))


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
