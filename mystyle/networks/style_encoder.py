"""pSp (Richardson et al., 2021) and e4e (Tov et al., 2021) on the trunk of the domain's W encoder.

A feature pyramid on three scales of the trunk, and a head for each layer of W+: the first layers are read from the
coarsest scale, the last ones from the finest, in the shares of the published 3, 4 and 11 of 18. The codes of ``psp``
are offsets from the mean code; those of ``e4e`` are w in layer 0 and w + Delta_i in the others.

The published heads (map2style) halve their map by convolutions of 512 channels. Twelve of them would have 100 million
parameters, 200 MB in float16. Ours pool it by attention and have 1.2 million together. The official networks, which
have IR-SE50 as their trunk, are ``mystyle.networks.psp``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.encoder import Encoder, Residual, residual_trunk
from mystyle.networks.psp import enlarged
from mystyle.types import Image, WPlus

Kind = Literal["psp", "e4e"]
SCALES = 3  # of the trunk, its coarsest
SLOPE = 0.2  # of the leaky ReLU


def scale_of(layer: int, num_ws: int) -> int:
    """The scale that a layer of W+ is read from, 0 the coarsest: of 18 layers it has 0-2, of 12 it has 0-1."""
    return sum(layer >= round(num_ws * first / 18) for first in (3, 7))


class AttentionHead(nn.Module):
    """A map x [n, c, s, s] to [n, w_dim].

    Group h of the channels is averaged over the positions p with the weights softmax_p(q_h . x_p / c^(1/2) + b_hp): by
    what is there and by where it is.
    """

    def __init__(self, channels: int, groups: int, positions: int, w_dim: int):
        super().__init__()
        self.query = nn.Parameter(torch.randn(groups, channels))
        self.place = nn.Parameter(torch.randn(groups, positions))
        self.linear = nn.Linear(channels, w_dim)
        nn.init.normal_(self.linear.weight, std=1e-3)  # an untrained head gives about the mean code
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        weights = (self.query @ x / math.sqrt(x.shape[1]) + self.place).softmax(dim=2)
        pooled = torch.einsum("nhp,nhdp->nhd", weights, x.unflatten(1, (len(self.query), -1)))
        code: Tensor = self.linear(pooled.flatten(1))
        return code


class StyleEncoder(nn.Module):
    """E(x) = w_avg + offsets, a code for each layer.

    ``kind`` is psp or e4e; ``resolution``, ``w_dim`` and ``widths`` are those of the W encoder; ``channels`` of the
    pyramid are pooled in ``groups``. Raises ValueError where the trunk has fewer scales than the pyramid.
    """

    w_avg: Tensor

    def __init__(
        self,
        kind: Kind = "psp",
        num_ws: int = 12,
        w_dim: int = 512,
        resolution: int = 128,
        widths: Sequence[int] = (32, 64, 128, 256, 256),
        channels: int = 160,
        groups: int = 16,
    ):
        super().__init__()
        if kind not in ("psp", "e4e"):
            raise ValueError(f"kind is {kind!r:.40}; psp and e4e are known")
        if len(widths) < SCALES:
            raise ValueError(f"a trunk of {len(widths)} scales; at least {SCALES} are needed")
        self.config: dict[str, Any] = dict(
            kind=kind, num_ws=num_ws, w_dim=w_dim, resolution=resolution, widths=list(widths), channels=channels,
            groups=groups,
        )  # fmt: skip
        self.kind, self.num_ws, self.w_dim, self.resolution = kind, num_ws, w_dim, resolution
        self.trunk = residual_trunk(widths)
        coarse_to_fine = list(reversed(widths))[:SCALES]
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels))
            for width in coarse_to_fine
        )
        sides = [resolution // 2 ** (len(widths) - scale) for scale in range(SCALES)]
        self.heads = nn.ModuleList(
            AttentionHead(channels, groups, sides[scale_of(i, num_ws)] ** 2, w_dim) for i in range(num_ws)
        )
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.stage = num_ws - 1
        """e4e's Delta_1 to Delta_stage are open, the others 0: all of them but in training"""

    @classmethod
    def on(cls, encoder: Encoder, kind: Kind, num_ws: int, channels: int = 160, groups: int = 16) -> StyleEncoder:
        """A new one on a copy of the trunk and of the mean code of ``encoder``."""
        own: dict[str, Any] = encoder.config
        network = cls(kind, num_ws, channels=channels, groups=groups, **own)
        network.trunk.load_state_dict(encoder.trunk.state_dict())
        network.w_avg.copy_(encoder.w_avg)
        return network

    def forward(self, images: Image) -> WPlus:
        """[n, 3, R, R] -> [n, num_ws, w_dim]. Raises ValueError on another resolution."""
        codes, _ = self.codes_and_maps(images)
        return codes

    def codes_and_maps(self, images: Image) -> tuple[WPlus, list[Tensor]]:
        """The codes, and the maps [n, c, h, w] of the trunk's blocks, fine to coarse."""
        maps = self.maps(images)
        levels = self.pyramid(maps)
        last = self.stage if self.kind == "e4e" else self.num_ws - 1
        rows = [head(levels[scale_of(i, self.num_ws)]) for i, head in enumerate(self.heads[: last + 1])]
        offsets = torch.stack(rows, dim=1)
        if self.kind == "e4e":
            deltas = F.pad(offsets[:, 1:], (0, 0, 1, self.num_ws - 1 - last))  # Delta_0 = 0
            offsets = offsets[:, :1] + deltas
        return self.w_avg + offsets, maps

    def maps(self, images: Image) -> list[Tensor]:
        if images.shape[-2:] != (self.resolution, self.resolution):
            raise ValueError(f"images must be {self.resolution} px square, got {tuple(images.shape[-2:])}")
        x, found = images, []
        for layer in self.trunk:
            x = layer(x)
            if isinstance(layer, Residual):
                found.append(x)
        return found

    def pyramid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Coarse to fine, each the sum of the coarser one, enlarged, and of the trunk's map."""
        levels: list[Tensor] = []
        for lateral, x in zip(self.lateral, reversed(maps), strict=False):
            own = lateral(x)
            levels.append(F.leaky_relu(enlarged(levels[-1], own) + own if levels else own, SLOPE))
        return levels
