"""Attribute leakage: what an edit changes besides the attribute that it is for."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.protocol import Evaluation, Metric
from benchmarks.metrics.edit_error import edited


def leakage(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean change of all other attributes against the photo, in standard deviations of the population.

    It includes the network's error, which a picture of the same person in another pose has as well.
    """
    name = edited(evaluation)
    after, before = evaluation.attributes("outputs"), evaluation.attributes("clean")
    return torch.stack([(after[other] - before[other]).abs() for other in after if other != name]).mean(dim=0)


METRIC = Metric(
    name="leakage",
    version=1,
    label="Leakage",
    description="Mean change of the attributes that were not edited, as the feature network reads them.",
    higher_is_better=False,
    range=(0.0, None),
    unit="standard deviations of the population",
    network="features",
    compute=leakage,
)
