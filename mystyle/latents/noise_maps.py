"""Noise maps that descend together with a code (StyleGAN2's projector: Karras et al., 2020, appendix D).

Maps are a list with one [n, 1, r, r] for each styled convolution: what a synthesis network takes as ``noise``. A
regulariser and a normalisation keep them noise, or they would carry the image instead of the code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.roles import SynthesisNetwork

WEIGHT = 1e5
"""of ``autocorrelation`` in the projector's objective"""
COARSEST = 8  # px: the pyramid of the regulariser ends with the first level that is not larger


def random_maps(synthesis: SynthesisNetwork, draws: Sequence[torch.Generator]) -> list[Tensor]:
    """Maps of standard normal numbers for len(draws) images, those of image i from ``draws[i]``, on the CPU."""
    rows = [[torch.randn(shape, generator=draw) for shape in synthesis.noise_shapes] for draw in draws]
    return [torch.cat(maps) for maps in zip(*rows, strict=True)]


def autocorrelation(maps: Sequence[Tensor]) -> Tensor:
    """L = sum_ij (mean n_ij(x, y) n_ij(x - 1, y))^2 + (mean n_ij(x, y) n_ij(x, y - 1))^2: [n].

    i counts the maps, j the levels of a pyramid of 2 x 2 means; shifts are circular. The paper multiplies by 2 at every
    level, which keeps the variance of white noise; no released code does, and neither do we.
    """
    total = maps[0].new_zeros(len(maps[0]))
    for level in maps:
        while True:
            for axis in (2, 3):
                total = total + (level * level.roll(1, axis)).mean(dim=(1, 2, 3)).square()
            if level.shape[-1] <= COARSEST:
                break
            level = F.avg_pool2d(level, 2)
    return total


@torch.no_grad()
def normalise(maps: Sequence[Tensor]) -> None:
    """Every image's every map to mean zero and mean square one, in place."""
    for n in maps:
        n -= n.mean(dim=(1, 2, 3), keepdim=True)
        n *= n.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
