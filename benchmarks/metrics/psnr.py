"""Peak signal-to-noise ratio against the photo that the case was made from."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from mystyle.types import Image

HIGHEST = 100.0  # dB, in place of infinity for equal images


def psnr(evaluation: Evaluation) -> Tensor:
    """``[n]``: of each image by itself, in dB; errors pooled over images would give smaller numbers."""
    return evaluation.apply(_of_each, evaluation.outputs, evaluation.clean).clamp(max=HIGHEST)


def _of_each(a: Image, b: Image) -> Tensor:
    from torchmetrics.functional.image import peak_signal_noise_ratio

    return peak_signal_noise_ratio(a, b, data_range=2.0, reduction="none", dim=(1, 2, 3))


METRIC = Metric(
    name="psnr",
    version=1,
    label="PSNR",
    description="Peak signal-to-noise ratio of each image against the clean photo, 100 dB if they are equal.",
    higher_is_better=True,
    range=(0.0, HIGHEST),
    unit="dB",
    network=None,
    compute=psnr,
)
