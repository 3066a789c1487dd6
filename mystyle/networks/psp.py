"""The encoders of pSp (Richardson et al., 2021), e4e (Tov et al., 2021) and HyperStyle's into W, which MyStyle uses.

All have ArcFace's IR-SE50 as their trunk and predict an offset from the mean code of the generator that they were
trained for. Tensors have the names of the official files.

- ``psp``: a feature pyramid. The rows of W+ come from its maps by ``MapToCode``: rows 0 to 2 from the coarsest, 3 to 6
  from the middle one, the others from the finest. Every row is a code of its own.
- ``e4e``: the same network, in which row 0 is a code w of W and the other rows are offsets from it.
- ``w``: the mean of the coarsest map through a linear layer; a code of W, alike in all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.irse import DEPTHS, WIDTHS, Trunk
from mystyle.networks.stylegan2 import Linear
from mystyle.types import Image, W, WPlus

Kind = Literal["psp", "e4e", "w"]
COARSE, MIDDLE = 3, 7  # the first rows of W+ that come from the middle and from the finest map
MAX_ROWS = 32  # a generator of 4096 px takes 22
SLOPE = 0.01  # of the leaky ReLU in ``MapToCode``; StyleGAN2's own is 0.2
BATCH = 8  # images at once in ``WEncoder``: the first maps of 8 have 128 MB


class MapToCode(nn.Module):
    """pSp's map2style: a map [n, c, s, s] halved down to one pixel, then a linear layer, to [n, w_dim]."""

    def __init__(self, channels: int, w_dim: int, size: int):
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(size.bit_length() - 1):
            layers += [nn.Conv2d(w_dim if i else channels, w_dim, 3, 2, 1), nn.LeakyReLU(SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.linear = Linear(w_dim, w_dim)

    def forward(self, x: Tensor) -> W:
        code: W = self.linear(self.convs(x).flatten(1))
        return code


class StyleEncoder(Trunk):
    """Images [n, 3, size, size] to codes [n, num_ws, w_dim].

    ``size`` is a power of two from 32 to 4096. Raises ValueError for another one, for an unknown ``kind``, and for more
    rows or blocks than any encoder has.
    """

    latent_avg: Tensor

    def __init__(
        self,
        kind: Kind = "e4e",
        num_ws: int = 18,
        w_dim: int = 512,
        size: int = 256,
        widths: Sequence[int] = WIDTHS,
        depths: Sequence[int] = DEPTHS,
    ):
        super().__init__(widths, depths)
        if kind not in ("psp", "e4e", "w"):
            raise ValueError(f"kind is {kind!r:.40}; psp, e4e and w are known")
        if not 32 <= size <= 4096 or size.bit_count() != 1:
            raise ValueError(f"size is {size}; a power of two from 32 to 4096 is needed")
        if not 0 < num_ws <= MAX_ROWS:
            raise ValueError(f"num_ws is {num_ws}; at most {MAX_ROWS} are supported")
        self.config: dict[str, Any] = dict(
            kind=kind, num_ws=num_ws, w_dim=w_dim, size=size, widths=list(widths), depths=list(depths)
        )
        self.kind, self.num_ws, self.w_dim, self.size = kind, num_ws, w_dim, size
        self.register_buffer("latent_avg", torch.zeros(w_dim))
        *_, fine, middle, coarse = widths
        if kind == "w":
            self.linear = Linear(coarse, w_dim)
            return
        sizes = [size // 16] * COARSE + [size // 8] * (MIDDLE - COARSE) + [size // 4] * (num_ws - MIDDLE)
        self.styles = nn.ModuleList(MapToCode(coarse, w_dim, s) for s in sizes[:num_ws])
        self.latlayer1 = nn.Conv2d(middle, coarse, 1)
        self.latlayer2 = nn.Conv2d(fine, coarse, 1)

    def forward(self, images: Image) -> WPlus:
        """Codes [n, num_ws, w_dim]. Raises ValueError on another resolution."""
        maps = self.maps(images)
        if self.kind == "w":
            return self.pooled(maps)[:, None].repeat(1, self.num_ws, 1)
        levels = self.pyramid(maps)
        rows = torch.stack([style(levels[level(i)]) for i, style in enumerate(self.styles)], dim=1)
        if self.kind == "e4e":
            rows = torch.cat([rows[:, :1], rows[:, :1] + rows[:, 1:]], dim=1)
        codes: WPlus = rows + self.latent_avg
        return codes

    def w(self, images: Image) -> W:
        """The code [n, w_dim] of W that stands for the image.

        Of ``e4e`` it is row 0, the w to which the others are offsets; of ``w`` any row; of ``psp``, no row of which is
        a code of W by itself, their mean, the point of W nearest to them. Raises ValueError on another resolution.
        """
        if self.kind == "psp":
            mean: W = self(images).mean(dim=1)
            return mean
        maps = self.maps(images)
        if self.kind == "w":
            return self.pooled(maps)
        base: W = self.styles[0](maps[-1])
        return base + self.latent_avg

    def maps(self, images: Image) -> list[Tensor]:
        if images.shape[-2:] != (self.size, self.size):
            raise ValueError(f"images must be {self.size} px square, got {tuple(images.shape[-2:])}")
        return self.stages(images)

    def pooled(self, maps: Sequence[Tensor]) -> W:
        code: W = self.linear(maps[-1].mean(dim=(2, 3)))
        return code + self.latent_avg

    def pyramid(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The coarse, the middle and the fine map, each the sum of the coarser one, enlarged, and the trunk's."""
        *_, fine, middle, coarse = maps
        second = enlarged(coarse, middle) + self.latlayer1(middle)
        return coarse, second, enlarged(second, fine) + self.latlayer2(fine)


def level(row: int) -> int:
    """The map of the pyramid from which a row of W+ is made."""
    return 0 if row < COARSE else 1 if row < MIDDLE else 2


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)


class WEncoder(nn.Module):
    """A ``StyleEncoder`` in the role ``roles.Encoder``: images [n, 3, R, R] of any R to codes [n, w_dim].

    Images are resized as MyStyle's code does: bicubic without a low-pass, clamped to [-1, 1].
    """

    def __init__(self, network: StyleEncoder):
        super().__init__()
        self.network = network

    def forward(self, images: Image) -> W:
        """Raises ValueError if the images are not square."""
        return torch.cat([self.network.w(self.resized(part)) for part in images.split(BATCH)])

    def codes(self, images: Image) -> WPlus:
        """[n, num_ws, w_dim], all that the network finds. Raises ValueError if the images are not square."""
        return torch.cat([self.network(self.resized(part)) for part in images.split(BATCH)])

    def resized(self, images: Image) -> Image:
        if images.shape[-2] != images.shape[-1]:
            raise ValueError(f"images must be square, got {tuple(images.shape[-2:])}")
        size = (self.network.size, self.network.size)
        if images.shape[-2:] == size:
            return images.clamp(-1, 1)
        return F.interpolate(images, size, mode="bicubic", align_corners=False).clamp(-1, 1)
