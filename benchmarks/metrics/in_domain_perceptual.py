"""Perceptual distance of random codes' images by the tuned generator, to the original's (PTI, Figures 15 and 17)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def in_domain_perceptual(evaluation: Evaluation) -> Tensor:
    """``[n]``: the mean over an inversion's random codes. Raises Inapplicable where the task renders none."""
    return evaluation.fact("in_domain_perceptual", "the task renders no random codes")


METRIC = Metric(
    name="in_domain_perceptual",
    version=1,
    label="Perceptual distance, random codes",
    description="LPIPS-form distance between images of random codes before and after tuning (not LPIPS).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=in_domain_perceptual,
)
