"""TensorFlow's padding SAME: ceil(size / stride) outputs, with the odd pixel of padding at the right and the bottom."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels before and after an axis of ``size`` pixels."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """[n, c, h, w] with the padding around it."""
    height, width = x.shape[-2:]
    return F.pad(x, (*same_padding(width, kernel, stride), *same_padding(height, kernel, stride)), value=value)


class SameConv2d(nn.Conv2d):
    """A convolution of odd ``kernel`` with padding SAME; its padding differs from PyTorch's where it strides."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = True):
        super().__init__(
            n_in, n_out, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        return super().forward(x if stride == 1 else pad_same(x, kernel, stride))
