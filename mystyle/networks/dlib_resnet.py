"""dlib's face recognition network: faces to 128 numbers whose Euclidean distances tell people apart.

``dlib_face_recognition_resnet_model_v1`` (Davis King, 2017; CC0): a ResNet of 29 convolutions after He et al. (2015),
with half of the channels, trained on 3 million faces by a metric loss; two photos of one person are less than 0.6
apart. A halving block adds a 2 x 2 mean pool of its input, and whichever of the two sums is smaller or has fewer
channels is filled up with zeros. Batch norms are folded into the convolutions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import Image

SIZE = 150  # px of a chip
MEAN = (122.782, 117.001, 104.298)  # of RGB in [0, 255]
BLOCKS = ((1, 3, False), (2, 4, True), (4, 3, True), (8, 3, True), (8, 1, True))
"""multiple of the width, number of blocks, whether the first of them halves"""


class Residual(nn.Module):
    """relu(conv(relu(conv(x))) + x), or the halving form."""

    def __init__(self, n_in: int, n_out: int, halves: bool):
        super().__init__()
        self.halves = halves
        self.conv1 = nn.Conv2d(n_in, n_out, 3, 2 if halves else 1, padding=0 if halves else 1)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(F.relu(self.conv1(x)))
        if not self.halves:
            return F.relu(y + x)
        x = F.avg_pool2d(x, 2)
        height, width = (max(a, b) for a, b in zip(x.shape[-2:], y.shape[-2:], strict=True))
        return F.relu(filled(x, y.shape[1], height, width) + filled(y, y.shape[1], height, width))


def filled(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """``x`` with zeros behind its last channel, row and column."""
    missing = (width - x.shape[3], height - x.shape[2], channels - x.shape[1])
    return F.pad(x, (0, missing[0], 0, missing[1], 0, missing[2])) if any(missing) else x


class DlibResNet(nn.Module):
    """Chips [n, 3, 150, 150] to descriptors [n, embedding], compared by their Euclidean distance.

    ``width`` is the number of channels after the first convolution.
    """

    size = SIZE
    mean: Tensor

    def __init__(self, width: int = 32, embedding: int = 128):
        super().__init__()
        self.config = dict(width=width, embedding=embedding)
        self.stem = nn.Conv2d(3, width, 7, 2)
        blocks, n_in = [], width
        for multiple, count, halves in BLOCKS:
            for i in range(count):
                blocks.append(Residual(n_in, multiple * width, halves and i == 0))
                n_in = multiple * width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(n_in, embedding, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN).div(255)[:, None, None], persistent=False)

    def forward(self, chips: Image) -> Tensor:
        """Gradients reach the chips. Raises ValueError on another size."""
        if chips.shape[-2:] != (SIZE, SIZE):
            raise ValueError(f"chips must be {SIZE} px square, got {tuple(chips.shape[-2:])}")
        x = chips.contiguous(memory_format=torch.channels_last)  # a little faster
        x = F.max_pool2d(F.relu(self.stem((x + 1) / 2 - self.mean)), 3, 2)
        y: Tensor = self.head(self.blocks(x).mean(dim=(2, 3)))
        return y
