"""How many steps a pivotal tuning made: where it ends by itself, no setting says so."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def tuning_steps(evaluation: Evaluation) -> Tensor:
    """``[n]``: of the generator that renders the image. Raises Inapplicable where nothing is tuned to an image."""
    return evaluation.fact("tuning_steps", "nothing is tuned to the image")


METRIC = Metric(
    name="tuning_steps",
    version=1,
    label="Steps of tuning",
    description="Optimiser steps of a pivotal tuning; fewer than were asked for where it stopped early.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network=None,
    compute=tuning_steps,
)
