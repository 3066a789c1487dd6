"""Multi-scale structural similarity (Wang et al., 2003) that can be descended on, of images of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.types import Image

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, fine to coarse
WINDOW, SIGMA = 11, 1.5  # px
C1, C2 = 0.01**2, 0.03**2  # of values in [0, 1]
LEAST = 1e-3  # of a factor: below it the slope of its power has no bound


def ms_ssim(a: Image, b: Image) -> Tensor:
    """[n], 1 where they are equal. Of two [n, 3, h, w], in [-1, 1], with a side of 11 px or more.

    Scales that the window does not fit into are left out, and the others' weights divided by their sum.
    """
    count = sum(min(a.shape[2:]) >> scale >= WINDOW for scale in range(len(WEIGHTS)))
    if not count:
        raise ValueError(f"structural similarity needs images of {WINDOW} px a side, got {tuple(a.shape[2:])}")
    weights = [weight / sum(WEIGHTS[:count]) for weight in WEIGHTS[:count]]
    a, b, product = (a + 1) / 2, (b + 1) / 2, torch.ones(len(a)).to(a)
    for scale, weight in enumerate(weights):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, structure = _similarities(a, b)
        factor = luminance * structure if scale == count - 1 else structure
        product = product * factor.mean(dim=(1, 2, 3)).clamp_min(LEAST) ** weight
    return product


def _similarities(a: Image, b: Image) -> tuple[Tensor, Tensor]:
    """Maps of the luminance's similarity, and of contrast and structure's."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance, (2 * covariance + C2) / (var_a + var_b + C2)


def _blurred(x: Tensor) -> Tensor:
    """By a Gaussian window, without a border."""
    at = torch.arange(WINDOW).to(x) - WINDOW // 2
    g = torch.exp(-at.square() / (2 * SIGMA**2))
    g = (g / g.sum()).expand(x.shape[1], 1, 1, -1)
    return F.conv2d(F.conv2d(x, g, groups=x.shape[1]), g.mT, groups=x.shape[1])
