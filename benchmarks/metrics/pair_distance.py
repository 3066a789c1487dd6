"""Average pairwise perceptual distance of the outputs (MyStyle 4.3): the diversity of a set, clusters or not."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.neighbours import mean_pair_distance


def pair_distance(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": value}``: the mean over all pairs."""
    return {"all outputs": mean_pair_distance(evaluation, evaluation.pixels)}


METRIC = Metric(
    name="pair_distance",
    version=1,
    label="Pair distance",
    description="Mean perceptual distance of all pairs of outputs (LPIPS-form, on the domain's network).",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=pair_distance,
)
