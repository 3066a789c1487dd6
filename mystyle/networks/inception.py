"""Inception v3 as the Frechet distance (Heusel et al., 2017) uses it: TensorFlow's of 2015, in torchvision's layers.

It differs from torchvision's network in the pooling branches: means leave the border's padding out, and the last block
takes the maximum. Images are resized as TensorFlow 1 did, without half a pixel of offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import Inception3

from mystyle.types import Image, to_uint8

SIZE = 299  # px
CLASSES = 1008  # of the published network, whose last layer is not used
UNUSED = ("avgpool", "dropout", "fc")


class RepooledBlock(nn.Module):
    """A block whose last branch begins with another pooling."""

    def __init__(self, block: Any, pool: Callable[[Tensor], Tensor]):
        super().__init__()
        self.block: Any = block
        self.pool = pool
        self.channels: int = block.branch_pool.conv.out_channels

    def forward(self, x: Tensor) -> Tensor:
        others = self.block(x)[:, : -self.channels]
        return torch.cat([others, self.block.branch_pool(self.pool(x))], dim=1)


class Inception(nn.Module):
    """uint8 images [n, 3, h, w] to the 2,048 features of the last pooling; ``deep`` takes images in [-1, 1].

    As ``feature`` of torchmetrics' ``FrechetInceptionDistance`` it gives the distance of ``pytorch-fid`` and
    ``torch-fidelity``.
    """

    num_features = 2048

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, int] = {}
        self.network = nn.ModuleDict(dict(layers()))

    def forward(self, images: Tensor) -> Tensor:
        """Features [n, 2048]. Raises ValueError if ``images`` are not uint8."""
        if images.dtype != torch.uint8:
            raise ValueError(f"images must be uint8, got {images.dtype}")
        x = (resized(images.float()) - 128) / 128
        for layer in self.network.values():
            x = layer(x)
        return x.mean(dim=(2, 3))

    def deep(self, images: Image) -> Tensor:
        """The features [n, 2048] of images in [-1, 1], rounded to 8 bits: they have no gradient."""
        features: Tensor = self(to_uint8(images))
        return features


def layers() -> Iterator[tuple[str, nn.Module]]:
    """torchvision's layers in their order, those with a pooling branch of stride 1 repooled."""
    network = Inception3(num_classes=CLASSES, aux_logits=False, init_weights=False)
    for name, layer in network.named_children():
        if name == "Mixed_7c":
            yield name, RepooledBlock(layer, maximum)
        elif hasattr(layer, "branch_pool"):
            yield name, RepooledBlock(layer, mean)
        elif name not in UNUSED:
            yield name, layer


def mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def resized(images: Tensor) -> Tensor:
    """[n, 3, 299, 299]: bilinear, pixel i taken at i h / 299."""
    return along(along(images).transpose(2, 3)).transpose(2, 3)


def along(images: Tensor) -> Tensor:
    """``resized`` along the last axis."""
    width = images.shape[-1]
    places = torch.arange(SIZE, device=images.device, dtype=images.dtype) * (width / SIZE)
    left = places.long()
    return torch.lerp(images[..., left], images[..., (left + 1).clamp(max=width - 1)], places - left)
