"""Structural similarity (Wang et al., 2004) to the photo that the case was made from."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from mystyle.types import Image


def ssim(evaluation: Evaluation) -> Tensor:
    """``[n]``: Gaussian window of sigma 1.5, channel by channel, over the whole image of values in [0, 1]."""
    return evaluation.apply(_of_each, evaluation.outputs, evaluation.clean)


def _of_each(a: Image, b: Image) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure

    a, b = (a + 1) / 2, (b + 1) / 2  # it compares means, which have to be positive
    return cast(Tensor, structural_similarity_index_measure(a, b, data_range=1.0, reduction="none"))


METRIC = Metric(
    name="ssim",
    version=1,
    label="SSIM",
    description="Structural similarity to the clean photo, 1 if they are equal.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network=None,
    compute=ssim,
)
