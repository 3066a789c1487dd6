"""Perceptual path length at the codes of inversions, "Random" (II2S, section 4.4.3 and Table 3)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def path_length(evaluation: Evaluation) -> Tensor:
    """``[n]``, as the task measured it (``benchmarks/tasks/path_length.py``)."""
    return evaluation.fact("path_length", "no paths were measured")


METRIC = Metric(
    name="path_length",
    version=1,
    label="Path length",
    description="Perceptual path length from the photo's code towards random codes, alike in all layers.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=path_length,
)
