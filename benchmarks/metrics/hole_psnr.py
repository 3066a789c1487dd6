"""Peak signal-to-noise ratio inside the hole: no network has a part in it.

The paper declines it (section 5.2), because an inpainting may be right without being the photo, and a blurred one has
the higher value. It stands here as fidelity that no method has optimised through its own network.
"""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.holes import over_hole
from benchmarks.metrics.psnr import HIGHEST
from mystyle.types import Image, Mask


def hole_psnr(evaluation: Evaluation) -> Tensor:
    """``[n]``: of the hidden pixels of each image, in dB."""
    error = evaluation.apply(_squared_error, evaluation.outputs, evaluation.clean, evaluation.mask)
    return (10 * (4 / error).log10()).clamp(max=HIGHEST)


def _squared_error(a: Image, b: Image, mask: Mask) -> Tensor:
    return over_hole((a - b).square(), mask)


METRIC = Metric(
    name="hole_psnr",
    version=1,
    label="PSNR in hole",
    description="Peak signal-to-noise ratio of the hidden pixels against the hidden photo, 100 dB if they are equal.",
    higher_is_better=True,
    range=(0.0, HIGHEST),
    unit="dB",
    network=None,
    compute=hole_psnr,
)
