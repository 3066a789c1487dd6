"""Kernel distance between outputs and the photos that they were made from: FID's question, without its bias."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.inputs import input_features
from benchmarks.metrics.kid import grouped_mmd


def kid_inputs(evaluation: Evaluation) -> dict[str, float]:
    """``{group: value}`` as ``kid``, in groups of as many outputs as there are photos.

    Every group has outputs of all photos, where each photo has as many. Raises Inapplicable for fewer than two photos.
    """
    fake, real = evaluation.deep("outputs"), input_features(evaluation)
    if not len(real):
        raise Inapplicable("the outputs were made from no photo")
    step = max(1, len(fake) // len(real))
    return grouped_mmd(fake[[i for first in range(step) for i in range(first, len(fake), step)]], real)


METRIC = Metric(
    name="kid_inputs",
    version=1,
    label="KID to the inputs",
    description="Unbiased kernel distance to the photos that were inverted, on the domain's judge (not Inception).",
    higher_is_better=False,
    range=(None, None),
    unit="",
    network="judge",
    compute=kid_inputs,
)
