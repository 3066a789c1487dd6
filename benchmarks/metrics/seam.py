"""Seam: how much the hole's border can be seen.

Take four pixels a, b | c, d in a row or a column, where one of b and c is known and the other lies in the hole. The
jump at that border is how far the step across it departs from the steps on both sides:

    J = | (c - b) - [(b - a) + (d - c)] / 2 |

A smooth gradient that goes through the border has no jump, a step has. The photo itself has jumps where an edge of the
face runs along the border, so only the excess over the clean photo counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from mystyle.types import Image, Mask, to_uint8

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def seam(evaluation: Evaluation) -> Tensor:
    """``[n]`` in 8-bit grey levels: max(0, mean J of the output - mean J of the clean photo) over the hole's border.

    0 means no more of a border than the clean image has there. NaN where a mask has no border.
    """
    excess = border_jump(evaluation.outputs, evaluation.mask) - border_jump(evaluation.clean, evaluation.mask)
    return excess.clamp(min=0)


def border_jump(images: Image, mask: Mask) -> Tensor:
    """The mean of J over the mask's border, ``[n]`` in grey levels; a border one pixel from the frame is left out."""
    grey = torch.einsum("nchw,c->nhw", to_uint8(images).float(), images.new_tensor(LUMA))
    known = mask[:, 0].bool()
    total = torch.zeros(len(images), device=images.device)
    count = torch.zeros_like(total)
    for values, inside in ((grey, known), (grey.mT, known.mT)):  # borders met along rows, then along columns
        a, b, c, d = (values[..., i : values.shape[-1] - 3 + i] for i in range(4))
        jump = ((c - b) - ((b - a) + (d - c)) / 2).abs()
        border = inside[..., 1:-2] != inside[..., 2:-1]
        total += (jump * border).sum(dim=(1, 2))
        count += border.sum(dim=(1, 2))
    return total / count


METRIC = Metric(
    name="seam",
    version=1,
    label="Seam",
    description="Jump of the grey-level gradient across the hole's border, in excess of the clean photo's own.",
    higher_is_better=False,
    range=(0.0, None),
    unit="8-bit grey levels",
    network=None,
    compute=seam,
)
