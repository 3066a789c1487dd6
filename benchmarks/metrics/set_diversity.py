"""How diverse the reference set itself is: the colour of Figure 7 (MyStyle 4.3)."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.neighbours import mean_pair_distance


def set_diversity(evaluation: Evaluation) -> dict[str, float]:
    """``{"reference set": value}``: mean perceptual distance of all pairs of its photos."""
    value = evaluation.once(
        ("set diversity", "train"), lambda: mean_pair_distance(evaluation, evaluation.images("train"))
    )
    return {"reference set": value}


METRIC = Metric(
    name="set_diversity",
    version=1,
    label="Diversity of the set",
    description="Mean perceptual distance of all pairs of the reference photos; says nothing of the method.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=set_diversity,
)
