"""Attribute leakage: what an edit changes besides the attribute that it is for."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.edit_error import edited


def leakage(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean change of all other attributes against the photo, in standard deviations of the population.

    It includes the network's error, which an image of the same person in another pose has as well.
    """
    name = edited(evaluation)
    after, before = evaluation.attributes("outputs"), evaluation.attributes("clean")
    return torch.stack([(after[other] - before[other]).abs() for other in after if other != name]).mean(dim=0)


METRIC = Metric(
    name="leakage",
    version=1,
    label="Leakage",
    description="Mean change of the attributes that were not edited, as the judge reads them.",
    higher_is_better=False,
    range=(0.0, None),
    unit="standard deviations of the population",
    network="judge",
    compute=leakage,
)
