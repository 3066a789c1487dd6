"""Perceptual distance to the hidden photo inside the hole, on a network that no loss looks through."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.holes import over_hole
from mystyle.networks.features import PerceptualDistance, StageNetwork
from mystyle.types import Image, Mask


def hole_distance_judge(evaluation: Evaluation) -> Tensor:
    """``[n]``: as ``hole_distance``, in LPIPS's form with unit weights on the stages of the judge's network.

    Raises Inapplicable where the judge has no stages to compare, as recognisers of faces.
    """
    if not isinstance(evaluation.domain.judge, StageNetwork):
        raise Inapplicable(f"domain {evaluation.domain.name} has no perceptual network that no loss uses")
    distance = PerceptualDistance(evaluation.domain.judge)

    def in_hole(a: Image, b: Image, mask: Mask) -> Tensor:
        return over_hole(distance.map(a, b), mask)

    return evaluation.apply(in_hole, evaluation.outputs, evaluation.clean, evaluation.mask)


METRIC = Metric(
    name="hole_distance_judge",
    version=1,
    label="Distance in hole, judge",
    description="LPIPS-form distance to the hidden photo in the hole, on the judge's network, which no loss uses.",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=hole_distance_judge,
)
