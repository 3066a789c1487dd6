"""Structural similarity (Wang et al., 2004) inside the hole."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.holes import over_hole
from mystyle.types import Image, Mask


def hole_ssim(evaluation: Evaluation) -> Tensor:
    """``[n]``: the map behind ``ssim``, averaged over the hidden pixels; windows at the border see known ones, too."""
    return evaluation.apply(_of_each, evaluation.outputs, evaluation.clean, evaluation.mask)


def _of_each(a: Image, b: Image, mask: Mask) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    a, b = (a + 1) / 2, (b + 1) / 2  # it compares means, which have to be positive
    _, similarity = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)
    return over_hole(similarity, mask)


METRIC = Metric(
    name="hole_ssim",
    version=1,
    label="SSIM in hole",
    description="Structural similarity to the hidden photo in the hole, 1 if they are equal.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network=None,
    compute=hole_ssim,
)
