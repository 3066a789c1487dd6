"""Perceptual distance to the photo that the case was made from, over the whole image."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def perceptual(evaluation: Evaluation) -> Tensor:
    """``[n]``: the domain's LPIPS-form distance between output and clean photo."""
    return evaluation.apply(evaluation.domain.perceptual, evaluation.outputs, evaluation.clean)


METRIC = Metric(
    name="perceptual",
    version=1,
    label="Perceptual distance",
    description="LPIPS-form distance to the clean photo, on the domain's perceptual network (not LPIPS).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=perceptual,
)
