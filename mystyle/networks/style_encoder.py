"""pSp (Richardson et al., 2021) and e4e (Tov et al., 2021) on the trunk of the domain's W encoder.

A feature pyramid on three scales of the trunk, and a head for each layer of W+: the first layers are read from the
coarsest scale, the last ones from the finest, in the shares of the published 3, 4 and 11 of 18. The codes of ``psp``
are offsets from the mean code; those of ``e4e`` are w in layer 0 and w + Delta_i in the others. A file holds pyramid
and heads alone: the trunk is the W encoder's, which is there already.

The published heads (map2style) halve their map by convolutions of 512 channels. Twelve of them would have 100 million
parameters, 200 MB in float16. Ours pool it by attention and have 1.2 million together. The official networks, which
have IR-SE50 as their trunk, are ``mystyle.networks.psp``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.encoder import Encoder, reduced
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


class StyleHeads(nn.Module):
    """The pyramid and the heads.

    ``kind`` is psp or e4e; ``w_dim``, ``resolution`` and ``widths`` are those of the W encoder, ``encoder`` its
    fingerprint; ``channels`` of the pyramid are pooled in ``groups``. Raises ValueError where the trunk has fewer
    scales than the pyramid.
    """

    def __init__(
        self,
        kind: Kind = "psp",
        num_ws: int = 12,
        w_dim: int = 512,
        resolution: int = 128,
        widths: Sequence[int] = (32, 64, 128, 256, 256),
        channels: int = 160,
        groups: int = 16,
        encoder: str = "",
    ):
        super().__init__()
        if kind not in ("psp", "e4e"):
            raise ValueError(f"kind is {kind!r:.40}; psp and e4e are known")
        if len(widths) < SCALES:
            raise ValueError(f"a trunk of {len(widths)} scales; at least {SCALES} are needed")
        self.config: dict[str, Any] = dict(
            kind=kind, num_ws=num_ws, w_dim=w_dim, resolution=resolution, widths=list(widths), channels=channels,
            groups=groups, encoder=encoder,
        )  # fmt: skip
        self.kind, self.num_ws, self.w_dim = kind, num_ws, w_dim
        coarse_to_fine = list(reversed(widths))[:SCALES]
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels))
            for width in coarse_to_fine
        )
        sides = [resolution // 2 ** (len(widths) - scale) for scale in range(SCALES)]
        self.heads = nn.ModuleList(
            AttentionHead(channels, groups, sides[scale_of(i, num_ws)] ** 2, w_dim) for i in range(num_ws)
        )
        self.stage = num_ws - 1
        """e4e's Delta_1 to Delta_stage are open, the others 0: all of them but in training"""

    def forward(self, maps: Sequence[Tensor]) -> WPlus:
        """The trunk's maps, fine to coarse, to offsets from the mean code [n, num_ws, w_dim]."""
        levels = self.pyramid(maps)
        last = self.stage if self.kind == "e4e" else self.num_ws - 1
        rows = [head(levels[scale_of(i, self.num_ws)]) for i, head in enumerate(self.heads[: last + 1])]
        offsets = torch.stack(rows, dim=1)
        if self.kind == "e4e":
            deltas = F.pad(offsets[:, 1:], (0, 0, 1, self.num_ws - 1 - last))  # Delta_0 = 0
            offsets = offsets[:, :1] + deltas
        return offsets

    def pyramid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Coarse to fine, each the sum of the coarser one, enlarged, and of the trunk's map."""
        levels: list[Tensor] = []
        for lateral, x in zip(self.lateral, reversed(maps), strict=False):
            own = lateral(x)
            levels.append(F.leaky_relu(enlarged(levels[-1], own) + own if levels else own, SLOPE))
        return levels


@dataclass(frozen=True)
class StyleEncoder:
    """E(x) = w_avg + offsets, a code for each layer, by ``heads`` on the trunk of the W encoder ``encoder``."""

    encoder: Encoder
    heads: StyleHeads

    def __call__(self, images: Image) -> WPlus:
        """[n, 3, R, R] -> [n, num_ws, w_dim]; images larger than the encoder's are reduced to its size."""
        ws: WPlus = self.encoder.w_avg + self.heads(self.encoder.maps(reduced(images, self.encoder.resolution)))
        return ws
