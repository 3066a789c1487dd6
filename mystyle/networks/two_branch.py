"""The two branches of "Expanding the Latent Space of StyleGAN for Real Face Editing" (Yin et al., 2022), section 3.

The style branch edits codes along sparse directions (Eq. 1 and 2); the content branch sets features of the photo itself
beside those of the edited code and fuses both in every block of the generator (Eq. 4 to 7). Generator and encoder are
not part of the network and stay as they are.

Where the text leaves something open, we choose:

- *A* (Eq. 5), whose layers are in a supplement that was not published: for each resolution the encoder's nearest map,
  a 1x1 convolution to few channels, residual layers of 3x3 convolution and AdaIN, a 1x1 convolution to the generator's
  channels. AdaIN forgets means and contrasts of its input, which are the light and colours of the photo: they pass by.
- *m* (Eq. 6): softmax(Q K^T) is a matrix between all pairs of positions, used as a map; at 128 px it would have
  16,384^2 entries. Here a position's weight is the sigmoid of the scaled inner product of its own query and key, at all
  resolutions. Query and key have the same convolution, as printed: where an edit changes nothing m is at least 1/2.
- *f^sty* (Eq. 7): the features that the block makes of what was fused in the block before. Of the features of
  G(w^p + d^sty) itself those of the last block alone would be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle import roles
from mystyle.networks.styled import StyledSynthesis
from mystyle.types import Image, Unsupported, WPlus

Features = dict[int, Tensor]
"""activations [n, c, r, r] by resolution r"""
START = 0.01  # deviation of the directions before training


class Adain(nn.Module):
    """Instance normalisation, then scale and shift by a direction of the content branch."""

    def __init__(self, channels: int, w_dim: int):
        super().__init__()
        self.affine = nn.Linear(w_dim, 2 * channels)

    def forward(self, x: Tensor, d: Tensor) -> Tensor:
        """[n, c, h, w] and [n, w_dim] -> [n, c, h, w]."""
        scale, shift = self.affine(d)[:, :, None, None].chunk(2, dim=1)
        result: Tensor = F.instance_norm(x) * (1 + scale) + shift
        return result


class Extractor(nn.Module):
    """A of Eq. 5 at one resolution."""

    def __init__(self, n_in: int, n_out: int, width: int, w_dim: int, layers: int):
        super().__init__()
        self.reduce = nn.Conv2d(n_in, width, 1)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(layers))
        self.styles = nn.ModuleList(Adain(width, w_dim) for _ in range(layers))
        self.expand = nn.Conv2d(width, n_out, 1)

    def forward(self, f: Tensor, d: Tensor) -> Tensor:
        """A map f^enc [n, n_in, r, r] and its row of d^cnt [n, w_dim] -> f^cnt [n, n_out, r, r]."""
        x = self.reduce(f)
        for convolution, style in zip(self.convolutions, self.styles, strict=True):
            x = x + F.leaky_relu(style(convolution(x), d), 0.2)
        result: Tensor = self.expand(x)
        return result


class Relevance(nn.Module):
    """H_i of Eq. 6 at one resolution: where the photo's content is kept."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.convolution = nn.Conv2d(channels, min(channels, width), 1)

    def forward(self, source: Tensor, edited: Tensor) -> Tensor:
        """G_i(w^p) and G_i(w^p + d^sty), [n, c, r, r] each -> m_i [n, 1, r, r] in (0, 1)."""
        q, k = (self.convolution(x.to(self.convolution.weight.dtype)) for x in (source, edited))
        m: Tensor = ((q * k).sum(dim=1, keepdim=True) / math.sqrt(q.shape[1])).sigmoid()
        return m


class TwoBranch(nn.Module):
    """The directions of both branches, A and H.

    ``channels`` are the generator's by resolution, ``maps`` the (channels, size) of the encoder's, fine to coarse.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        num_ws: int,
        w_dim: int,
        channels: Mapping[str, int],
        maps: Sequence[Sequence[int]],
        width: int = 64,
        layers: int = 2,
    ):
        super().__init__()
        self.config: dict[str, Any] = dict(
            attributes=list(attributes),
            num_ws=num_ws,
            w_dim=w_dim,
            channels=dict(channels),
            maps=[list(each) for each in maps],
            width=width,
            layers=layers,
        )
        self.attributes, self.resolutions = tuple(attributes), [int(r) for r in channels]
        self.shapes = [tuple(each) for each in maps]
        self.d_sty = nn.Parameter(START * torch.randn(len(attributes), num_ws, w_dim))
        self.d_cnt = nn.Parameter(START * torch.randn(len(attributes), len(channels), w_dim))
        sizes = [size for _, size in self.shapes]
        self.nearest = [min(range(len(maps)), key=lambda i: abs(math.log2(sizes[i] / r))) for r in self.resolutions]
        pairs = zip(channels.items(), self.nearest, strict=True)
        self.extract = nn.ModuleDict({r: Extractor(maps[i][0], c, min(c, width), w_dim, layers) for (r, c), i in pairs})
        self.relate = nn.ModuleDict({r: Relevance(c, width) for r, c in channels.items()})

    def style_direction(self, s: Tensor) -> WPlus:
        """Eq. 1: d^sty [n, num_ws, w_dim] of attributes s [n, K]."""
        return torch.einsum("nk,klw->nlw", s, self.d_sty)

    def content_direction(self, s: Tensor) -> Tensor:
        """Eq. 4: d^cnt, a row for each resolution: [n, K] -> [n, R, w_dim]."""
        return torch.einsum("nk,krw->nrw", 1 - s, self.d_cnt)

    def attributes_of(self, offset: WPlus) -> Tensor:
        """s [n, K] of an edit w - w^p [n, num_ws, w_dim], whoever made it: its coordinates in the directions.

        The inverse of Eq. 1 in the sense of least squares, bounded to what training has shown the content branch.
        """
        s: Tensor = offset.flatten(1) @ torch.linalg.pinv(self.d_sty.flatten(1))
        return s.clamp(-1, 1)

    @torch.no_grad()
    def zeros(self) -> dict[str, float]:
        """The share of each attribute's d_k^sty that is less than a hundredth of its largest entry."""
        size = self.d_sty.abs()
        shares = (size < 0.01 * size.amax(dim=(1, 2), keepdim=True)).float().mean(dim=(1, 2))
        return dict(zip(self.attributes, shares.tolist(), strict=True))

    def content(self, maps: Sequence[Tensor], s: Tensor) -> Features:
        """Eq. 5: f^cnt of the encoder's ``maps``. Raises ValueError for maps of another encoder."""
        if (found := [(x.shape[1], x.shape[-1]) for x in maps]) != self.shapes:
            raise ValueError(f"maps must have {self.shapes} channels and px, got {found}: of another encoder")
        rows = self.content_direction(s).unbind(1)
        parts = zip(self.resolutions, self.nearest, rows, strict=True)
        return {r: self.extract[str(r)](resized(maps[i], r), d) for r, i, d in parts}

    def relevance(self, source: Features, edited: Features) -> Features:
        """Eq. 6: m_i [n, 1, r, r] by resolution."""
        return {r: self.relate[str(r)](source[r], edited[r]) for r in self.resolutions}

    def refine(
        self, synthesis: StyledSynthesis[Any], w: WPlus, edited: WPlus, s: Tensor, maps: Sequence[Tensor]
    ) -> Image:
        """Eq. 5 to 7: x^refine [n, 3, R, R] of codes w^p, ``edited`` codes, and the encoder's ``maps`` of the photo."""
        with torch.no_grad():
            source, style = (features_of(synthesis, each)[1] for each in (w, edited))
        return fused(synthesis, edited, self.relevance(source, style), self.content(maps, s))


def fused(synthesis: StyledSynthesis[Any], ws: WPlus, m: Features, content: Features) -> Image:
    """Eq. 7 in every block: f_{i+1} = (1 - m_i) f_i^sty + m_i f_i^cnt; m of 0 is G(ws)."""

    def tap(r: int, x: Tensor) -> Tensor:
        return x.lerp(content[r].to(x.dtype), m[r].to(x.dtype))

    image: Image = synthesis(ws, noise="const", taps={r: lambda x, r=r: tap(r, x) for r in content})
    return image


def features_of(synthesis: StyledSynthesis[Any], ws: WPlus) -> tuple[Image, Features]:
    """G(ws), and what each block gives."""
    found: Features = {}

    def read(r: int, x: Tensor) -> Tensor:
        found[r] = x
        return x

    image = synthesis(ws, noise="const", taps={r: lambda x, r=r: read(r, x) for r in synthesis.resolutions})
    return image, found


def tapped(generator: roles.Generator) -> StyledSynthesis[Any]:
    """The synthesis network of a generator of blocks. Raises Unsupported for another one."""
    synthesis = cast(Any, generator.synthesis)
    if not isinstance(synthesis, StyledSynthesis):
        raise Unsupported(f"needs a generator whose blocks can be read, not a {type(generator).__name__}")
    return synthesis


def resized(x: Tensor, size: int) -> Tensor:
    """A map [n, c, h, h] at ``size`` px: means of larger ones, smaller ones enlarged (bilinear)."""
    if x.shape[-1] > size:
        return F.adaptive_avg_pool2d(x, size)
    return x if x.shape[-1] == size else F.interpolate(x, (size, size), mode="bilinear", align_corners=False)


@torch.no_grad()
def untrained(
    generator: roles.Generator, maps: Sequence[Tensor], attributes: Sequence[str], width: int = 64, layers: int = 2
) -> TwoBranch:
    """A new network for a generator, an encoder's ``maps`` of an image, and K attributes."""
    _, features = features_of(tapped(generator), generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    channels = {str(r): x.shape[1] for r, x in features.items()}
    shapes = [(x.shape[1], x.shape[-1]) for x in maps]
    return TwoBranch(attributes, generator.num_ws, generator.w_dim, channels, shapes, width, layers)
