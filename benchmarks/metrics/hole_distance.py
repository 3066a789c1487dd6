"""Perceptual distance to the hidden photo inside the hole.

The paper declines such numbers (section 5.2): an inpainting may be right without being the photo. We print it as the
fidelity that it is, beside the scores of identity, and not as a verdict.
"""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.holes import over_hole


def hole_distance(evaluation: Evaluation) -> Tensor:
    """``[n]``: the domain's perceptual distance map between output and clean photo, averaged over the hole.

    On the synthetic domain it has the form of LPIPS on the domain's perceptual network, and its values are not LPIPS.
    """
    distance = evaluation.apply(evaluation.domain.perceptual.map, evaluation.outputs, evaluation.clean)  # [n, 1, h, w]
    return over_hole(distance, evaluation.mask)


METRIC = Metric(
    name="hole_distance",
    version=1,
    label="Distance in hole",
    description="LPIPS-form distance to the hidden photo in the hole, on the domain's perceptual network (not LPIPS).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=hole_distance,
)
