"""Intra-cluster diversity on the scale of MyStyle's Table 1, whose values look like ten times a distance."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.diversity import intra_cluster_diversity


def diversity_x10(evaluation: Evaluation) -> dict[str, float]:
    """Ten times ``diversity``. The paper does not say so: 2.4 to 3.4 are no means of LPIPS, a tenth of them is."""
    return intra_cluster_diversity(evaluation, scale=10.0)


METRIC = Metric(
    name="diversity_x10",
    version=1,
    label="Diversity x 10",
    description="The same times ten, which is presumably the scale of the paper's table.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=diversity_x10,
)
