"""How near an output is to its nearest reference photo: a copy would be at zero (MyStyle C.2)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.neighbours import neighbours


def copy_distance(evaluation: Evaluation) -> Tensor:
    """``[n]``: perceptual distance to the nearest reference photo. Held-out photos are what to compare it with."""
    return neighbours(evaluation).distance


METRIC = Metric(
    name="copy_distance",
    version=1,
    label="Nearest photo",
    description="Perceptual distance to the nearest reference photo; zero is a copy, held-out photos are the norm.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=copy_distance,
)
