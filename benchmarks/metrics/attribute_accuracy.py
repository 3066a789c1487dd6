"""How often an edit gives the attribute that it is for (II2S, section 4.4.2: gender)."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.edit_error import edited
from benchmarks.tasks.coordinate import Coordinate


def attribute_accuracy(evaluation: Evaluation) -> Tensor:
    """``[n]``: 1 where the attribute is read on that side of the population's mean where it was wanted, else 0.

    The doses of the cases are coordinates along the direction, whose 0 is the mean. Raises Inapplicable where they have
    no side, or where nothing was edited.
    """
    name = edited(evaluation)
    wanted = [case.dose for case in evaluation.cases]
    if not isinstance(evaluation.task, Coordinate) or not all(wanted):
        raise Inapplicable("there are edits without a side of the mean to be on")
    return (evaluation.attributes("outputs")[name].sign() == torch.tensor(wanted).sign()).float()


METRIC = Metric(
    name="attribute_accuracy",
    version=1,
    label="Accuracy",
    description="Share of edits whose attribute the judge reads on the wanted side of the population's mean.",
    higher_is_better=True,
    range=(0.0, 1.0),
    unit="",
    network="judge",
    compute=attribute_accuracy,
)
