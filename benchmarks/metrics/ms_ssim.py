"""One minus multi-scale structural similarity (Wang et al., 2003) to the photo that the case was made from."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from mystyle.types import Image

LEAST = 161  # pixels a side: at the fifth scale the window of 11 pixels has to fit


def ms_ssim(evaluation: Evaluation) -> Tensor:
    """``[n]``: five scales with the published weights, of values in [0, 1]. Raises Inapplicable for small images."""
    if min(evaluation.pixels.shape[2:]) < LEAST:
        raise Inapplicable(f"its five scales need images of {LEAST} pixels")
    return 1 - evaluation.apply(_of_each, evaluation.outputs, evaluation.clean)


def _of_each(a: Image, b: Image) -> Tensor:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as similarity

    a, b = (a + 1) / 2, (b + 1) / 2  # it compares means, which have to be positive
    return similarity(a, b, data_range=1.0, reduction="none", normalize="relu")


METRIC = Metric(
    name="ms_ssim",
    version=1,
    label="1 - MS-SSIM",
    description="One minus multi-scale structural similarity to the clean photo, 0 if they are equal.",
    higher_is_better=False,
    range=(0.0, 1.0),
    unit="",
    network=None,
    compute=ms_ssim,
)
