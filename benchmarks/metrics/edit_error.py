"""How far an edited image is from the value of the attribute that was wanted."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def edit_error(evaluation: Evaluation) -> Tensor:
    """``[n]``: |attribute read - attribute wanted| in standard deviations of the population.

    The wanted value is the case's dose, in the attribute's unit. Methods that cannot go so far are far off.
    """
    name = edited(evaluation)
    mean, std = evaluation.domain.judge.moments[name]
    wanted = (torch.tensor([case.dose for case in evaluation.cases]) - mean) / std
    return (evaluation.attributes("outputs")[name] - wanted).abs()


def edited(evaluation: Evaluation) -> str:
    """The attribute that was edited. Raises Inapplicable where none was or the network does not read it."""
    name: str = getattr(evaluation.task, "attribute", "")
    if name not in evaluation.domain.judge.moments:
        raise Inapplicable("no attribute was edited that the judge reads")
    return name


METRIC = Metric(
    name="edit_error",
    version=1,
    label="Edit error",
    description="Distance of the edited attribute, as the judge reads it, from the value that was wanted.",
    higher_is_better=False,
    range=(0.0, None),
    unit="standard deviations of the population",
    network="judge",
    compute=edit_error,
)
