"""The W encoder that finds anchors: one code per image (the paper uses an encoder of the pSp family)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import Image, W


def normed(n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out))


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm around a skip that halves the resolution."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.body = nn.Sequential(normed(n_in, n_out, 2), nn.PReLU(n_out), normed(n_out, n_out))
        self.skip = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(n_in, n_out, 1))
        self.act = nn.PReLU(n_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.body(x) + self.skip(x))
        return y


def residual_trunk(widths: Sequence[int]) -> nn.Sequential:
    """A stem of 16 channels and a ``Residual`` to each of ``widths``."""
    blocks = [Residual(n_in, n_out) for n_in, n_out in zip((16, *widths), widths, strict=False)]
    return nn.Sequential(normed(3, 16), nn.PReLU(16), *blocks)


class Encoder(nn.Module):
    """E(x) = w_avg + delta(x), so that an untrained encoder returns the mean face."""

    w_avg: Tensor

    def __init__(self, resolution: int = 64, w_dim: int = 512, widths: Sequence[int] = (32, 64, 128, 256)):
        super().__init__()
        self.config = dict(resolution=resolution, w_dim=w_dim, widths=list(widths))
        self.resolution = resolution
        self.trunk = residual_trunk(widths)
        cells = (resolution // 2 ** len(widths)) ** 2
        self.head = nn.Linear(widths[-1] * cells, w_dim)
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, images: Image) -> W:
        """[n, 3, R, R] -> [n, w_dim]. Raises ValueError on another resolution."""
        return self.code(self.maps(images))

    def maps(self, images: Image) -> list[Tensor]:
        """The 2-D maps [n, c, h, h] of the stem and of the blocks, fine to coarse. Raises ValueError likewise."""
        if images.shape[-2:] != (self.resolution, self.resolution):
            raise ValueError(f"images must be {self.resolution} px square, got {tuple(images.shape[-2:])}")
        stem, act, *blocks = self.trunk
        found = [act(stem(images))]
        for block in blocks:
            found.append(block(found[-1]))
        return found

    def code(self, maps: Sequence[Tensor]) -> W:
        """[n, w_dim] of the maps."""
        delta: Tensor = self.head(maps[-1].flatten(1))
        return self.w_avg + delta


class ReducedEncoder:
    """``encoder`` for larger images, which are reduced to its resolution by area."""

    def __init__(self, encoder: Encoder):
        self.encoder = encoder

    def __call__(self, images: Image) -> W:
        """[n, 3, R, R] -> [n, w_dim]; R is at least the encoder's."""
        w: W = self.encoder(reduced(images, self.encoder.resolution))
        return w


def reduced(images: Image, size: int) -> Image:
    """[n, 3, R, R] -> [n, 3, size, size] by area; R is at least ``size``."""
    return F.interpolate(images, (size, size), mode="area")
