"""IR-SE50: the residual network of ArcFace (Deng et al., 2019) with squeeze-and-excitation (Hu et al., 2018).

TreB1eN's InsightFace_Pytorch published the weights that the GAN inversion literature uses: as a recogniser of 112 px
chips (MyStyle's filters and the identity losses of pSp, e4e and HyperStyle), and as the trunk of their encoders
(``mystyle.networks.psp``). Tensors have the names of that file.

A block is BN, 3x3 convolution, PReLU, 3x3 convolution with the block's stride, BN, and channel weights by squeeze and
excitation, beside a shortcut: every stride-th pixel if the channels stay, else a strided 1x1 convolution with BN.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import Image

MAX_BLOCKS = 200  # IR-SE152 has 50
WIDTHS, DEPTHS = (64, 128, 256, 512), (3, 4, 14, 3)  # channels and blocks of the stages; each halves the resolution


class SqueezeExcitation(nn.Module):
    """Every channel times a number in (0, 1) that is a function of the means of all channels."""

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        inner = max(channels // reduction, 1)
        self.fc1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.fc2 = nn.Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(means))))


class Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if n_in != n_out:
            self.shortcut_layer = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(n_in),
            nn.Conv2d(n_in, n_out, 3, 1, 1, bias=False),
            nn.PReLU(n_out),
            nn.Conv2d(n_out, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            SqueezeExcitation(n_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return y


def blocks(widths: Sequence[int], depths: Sequence[int]) -> Iterator[Block]:
    """The blocks of all stages; the first of a stage has stride 2."""
    for n_in, n_out, depth in zip((widths[0], *widths), widths, depths, strict=False):
        for i in range(depth):
            yield Block(n_out if i else n_in, n_out, 1 if i else 2)


class Trunk(nn.Module):
    """The residual network without its head. Raises ValueError for more than ``MAX_BLOCKS`` blocks."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]):
        super().__init__()
        if sum(depths) > MAX_BLOCKS:  # the numbers may come out of a file
            raise ValueError(f"{sum(depths)} blocks are more than any network of this family has")
        stem = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.input_layer = nn.Sequential(stem, nn.BatchNorm2d(widths[0]), nn.PReLU(widths[0]))
        self.body = nn.Sequential(*blocks(widths, depths))
        self.ends = frozenset(itertools.accumulate(depths))

    def stages(self, images: Image) -> list[Tensor]:
        """The maps [n, widths[i], s / 2^(i+1), s / 2^(i+1)] after each stage, of images [n, 3, s, s]."""
        x = self.input_layer(images.contiguous(memory_format=torch.channels_last))
        maps = []
        for i, block in enumerate(self.body, start=1):
            x = block(x)
            if i in self.ends:
                maps.append(x)
        return maps


class ArcFace(Trunk):
    """Chips [n, 3, size, size] to embeddings [n, embedding], compared by their cosine; they have no unit norm."""

    def __init__(
        self,
        size: int = 112,
        embedding: int = 512,
        widths: Sequence[int] = WIDTHS,
        depths: Sequence[int] = DEPTHS,
    ):
        super().__init__(widths, depths)
        self.config: dict[str, Any] = dict(size=size, embedding=embedding, widths=list(widths), depths=list(depths))
        self.size = size
        cells = (size // 2 ** len(widths)) ** 2
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(widths[-1] * cells, embedding),
            nn.BatchNorm1d(embedding),
        )

    def forward(self, chips: Image) -> Tensor:
        """Gradients reach the chips. Raises ValueError on another size."""
        if chips.shape[-2:] != (self.size, self.size):
            raise ValueError(f"chips must be {self.size} px square, got {tuple(chips.shape[-2:])}")
        embedded: Tensor = self.output_layer(self.stages(chips)[-1])
        return embedded
