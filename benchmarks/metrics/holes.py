"""What is read of an image inside the hole alone."""

from __future__ import annotations

from torch import Tensor

from mystyle.types import Mask


def over_hole(values: Tensor, mask: Mask) -> Tensor:
    """The mean of ``values`` [n, c, h, w] over the hole, [n]; NaN where nothing is hidden."""
    hole = 1 - mask
    return (values * hole).sum(dim=(1, 2, 3)) / (values.shape[1] * hole.sum(dim=(1, 2, 3)))
