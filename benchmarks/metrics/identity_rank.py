"""Rank 1 among strangers: identification, where ``accepted`` is verification."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.impostors import claimed, strangers
from mystyle.strangers import FILE


def identity_rank(evaluation: Evaluation) -> Tensor:
    """``[n]``: 1 where the output is nearer to the person's template than to every stranger's photo, else 0.

    A template is steadier than a photo, which favours the person, for all methods alike.
    """
    outputs = evaluation.identity("outputs")
    nearest = (outputs @ strangers(evaluation).T).max(dim=1).values
    return ((outputs * claimed(evaluation)).sum(dim=1) > nearest).float()


METRIC = Metric(
    name="identity_rank",
    version=1,
    label="Rank 1",
    description="Share of outputs that are nearer to the person than to every stranger, on the domain's judge.",
    higher_is_better=True,
    range=(0.0, 1.0),
    unit="",
    network="judge",
    compute=identity_rank,
    files=(FILE,),
)
