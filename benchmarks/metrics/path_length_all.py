"""Perceptual path length with a step of its own in each layer, "Random all" (II2S, section 4.4.3 and Table 3)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def path_length_all(evaluation: Evaluation) -> Tensor:
    """``[n]``, as the task measured it (``benchmarks/tasks/path_length.py``)."""
    return evaluation.fact("path_length_all", "no paths were measured")


METRIC = Metric(
    name="path_length_all",
    version=1,
    label="Path length, layers",
    description="Perceptual path length towards random codes of its own in each layer.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=path_length_all,
)
