"""MobileFaceNet (Chen, Liu, Gao and Han, 2018): faces to 192 numbers whose cosines tell people apart.

A stem and inverted residual blocks (Sandler et al., 2018) with PReLU, then a depthwise convolution over all of the
7 x 7 cells instead of a mean. Layers are those of the public TensorFlow port, whose padding is SAME; batch norms are
folded into the convolutions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mystyle.networks.same_padding import SameConv2d
from mystyle.types import Image

SIZE = 112  # px of a chip
BLOCKS = (
    (2, 1, 2, False), (2, 1, 1, True), (2, 1, 1, True), (2, 1, 1, True), (2, 1, 1, True),
    (4, 2, 2, False), *[(4, 2, 1, True)] * 6,
    (8, 2, 2, False), *[(4, 2, 1, True)] * 2,
)  # fmt: skip
"""multiples of the width inside and at the end of a block, its stride, whether its input is added"""


class Bottleneck(nn.Module):
    """1 x 1 to ``inner`` channels, depthwise 3 x 3, 1 x 1 to ``n_out``, which has no activation."""

    def __init__(self, n_in: int, inner: int, n_out: int, stride: int, adds: bool):
        super().__init__()
        self.adds = adds
        self.layers = nn.Sequential(
            SameConv2d(n_in, inner, 1), nn.PReLU(inner),
            SameConv2d(inner, inner, 3, stride, groups=inner), nn.PReLU(inner),
            SameConv2d(inner, n_out, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y + x if self.adds else y


class MobileFaceNet(nn.Module):
    """Chips [n, 3, 112, 112] to embeddings [n, embedding], compared by their cosine; they have no unit norm.

    ``width`` is the number of channels after the first convolution.
    """

    size = SIZE

    def __init__(self, width: int = 64, embedding: int = 192):
        super().__init__()
        self.config = dict(width=width, embedding=embedding)
        blocks, n_in = [], width
        for inner, n_out, stride, adds in BLOCKS:
            blocks.append(Bottleneck(n_in, inner * width, n_out * width, stride, adds))
            n_in = n_out * width
        deep = 8 * width
        self.layers = nn.Sequential(
            SameConv2d(3, width, 3, 2), nn.PReLU(width),
            SameConv2d(width, width, 3, groups=width), nn.PReLU(width), SameConv2d(width, width, 1),
            *blocks,
            SameConv2d(n_in, deep, 1), nn.PReLU(deep),
            nn.Conv2d(deep, deep, SIZE // 16, groups=deep), SameConv2d(deep, deep, 1), SameConv2d(deep, embedding, 1),
        )  # fmt: skip

    def forward(self, chips: Image) -> Tensor:
        """Gradients reach the chips. Raises ValueError on another size."""
        if chips.shape[-2:] != (SIZE, SIZE):
            raise ValueError(f"chips must be {SIZE} px square, got {tuple(chips.shape[-2:])}")
        x = chips.contiguous(memory_format=torch.channels_last)  # depthwise layers are twice as fast so
        y: Tensor = self.layers(x * (127.5 / 128))
        return y.flatten(1)
