"""Degradations phi: the known, differentiable map from a clean image to the given one (sections 3.3 and 5.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.compositing import head_region, lanczos, poisson_blend
from mystyle.types import Degradation, Image, Mask


@dataclass(frozen=True)
class UniformDegradation:
    """A degradation that treats all images and pixels alike, so that no known pixels are put back."""

    def composite(self, output: Image, degraded: Image) -> Image:
        """The output itself."""
        return output

    def __getitem__(self, index: slice | Sequence[int]) -> Self:
        return self


@dataclass(frozen=True)
class Identity(UniformDegradation):
    """phi(x) = x: projection with it is inversion."""

    def __call__(self, images: Image) -> Image:
        return images


@dataclass(frozen=True)
class Inpainting:
    """phi(x) = x * m (section 5.2.1), m known; hidden pixels become 0, mid-grey on the [-1, 1] scale."""

    mask: Mask
    """[n, 1, h, w], 1 where the pixel is known and 0 in the hole; used on the images' device."""
    blend: Literal["hard", "poisson"] = "hard"
    """how the output is put into the hole: the paper's text, or as in the official code"""

    def __post_init__(self) -> None:
        if self.mask.ndim != 4 or self.mask.shape[1] != 1 or not ((self.mask == 0) | (self.mask == 1)).all():
            raise ValueError(f"a mask is [n, 1, h, w] of zeros and ones, got shape {tuple(self.mask.shape)}")

    def __call__(self, images: Image) -> Image:
        return images * self.mask.to(images)

    def composite(self, output: Image, degraded: Image) -> Image:
        """The paper's blend: the output in the hole, the given image elsewhere, with a hard edge.

        The official code grows the hole by a box of 20 of 1024 pixels and clones the output into it.
        """
        m = self.mask.to(output)
        if self.blend == "poisson":
            return poisson_blend(output, degraded, m, grow=max(1, round(20 * m.shape[-1] / 1024)))
        return output * (1 - m) + degraded * m

    def __getitem__(self, index: slice | Sequence[int]) -> Inpainting:
        return Inpainting(self.mask[index], self.blend)


@dataclass(frozen=True)
class Downsampling(UniformDegradation):
    """phi of super-resolution (section 5.2.2): every pixel is the mean of the area that it covers."""

    factor: float
    """sides become this many times smaller, rounded to whole pixels"""
    keep_background: bool = True
    """whether ``composite`` takes what is around the head from the enlarged input, as the paper does"""

    def __post_init__(self) -> None:
        if not self.factor >= 1:
            raise ValueError(f"a factor of down-sampling is at least 1, got {self.factor}")

    def __call__(self, images: Image) -> Image:
        """[n, 3, h, w] to [n, 3, h / factor, w / factor]. Raises ValueError where nothing would be left."""
        size = [round(side / self.factor) for side in images.shape[-2:]]
        if min(size) < 1:
            raise ValueError(f"{self.factor} times smaller than {tuple(images.shape[-2:])} px is less than one pixel")
        return F.interpolate(images, size, mode="area")

    def composite(self, output: Image, degraded: Image) -> Image:
        """The output in the region of the head, the input enlarged by Lanczos's filter around it."""
        if not self.keep_background:
            return output
        size = output.shape[-1]
        head = head_region(size).to(output)
        return torch.lerp(lanczos(degraded, size), output, head.expand_as(output))


@dataclass(frozen=True)
class Grey(UniformDegradation):
    """phi(x) = luma (ITU-R 601) in all three channels: projection with it colourises an image."""

    def __call__(self, images: Image) -> Image:
        return luma(images).expand_as(images)


@dataclass(frozen=True)
class Blur(UniformDegradation):
    """A Gaussian of ``sigma`` pixels, mirrored at the border."""

    sigma: float

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise ValueError(f"a blur's sigma is above 0 pixels, got {self.sigma}")

    def __call__(self, images: Image) -> Image:
        from torchvision.transforms.functional import gaussian_blur

        radius = min(math.ceil(3 * self.sigma), min(images.shape[-2:]) - 1)
        blurred: Image = gaussian_blur(images, [2 * radius + 1] * 2, [self.sigma] * 2)
        return blurred


@dataclass(frozen=True)
class Jpeg(UniformDegradation):
    """JPEG's loss, differentiable: the coefficients of 8 x 8 blocks are rounded softly (Shin and Song, 2017).

    Baseline tables scaled for ``quality`` as libjpeg does, colour not sub-sampled. Sides must be multiples of 8.
    """

    quality: int

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise ValueError(f"a JPEG's quality is 1 to 100, got {self.quality}")

    def __call__(self, images: Image) -> Image:
        h, w = images.shape[-2:]
        if h % 8 or w % 8:
            raise ValueError(f"JPEG needs sides that are multiples of 8 pixels, got {h} x {w}")
        colours = torch.einsum("cd,ndhw->nchw", YCC.to(images), images * 127.5)  # luma without its offset of 128
        blocks = colours.reshape(-1, 3, h // 8, 8, w // 8, 8)
        dct = cosines().to(images)
        table = torch.stack([quantisers(LUMA, self.quality), *[quantisers(CHROMA, self.quality)] * 2]).to(images)
        table = table[:, None, :, None, :]
        coefficients = torch.einsum("ui,vj,nchiwj->nchuwv", dct, dct, blocks) / table
        blocks = torch.einsum("ui,vj,nchuwv->nchiwj", dct, dct, soft_round(coefficients) * table)
        decoded = torch.einsum("cd,ndhw->nchw", torch.linalg.inv(YCC).to(images), blocks.reshape_as(colours))
        return (decoded / 127.5).clamp(-1, 1)


@dataclass(frozen=True)
class Chain:
    """phi = the last of ``parts`` after ... after the first, e.g. blur, down-sampling and JPEG."""

    parts: tuple[Degradation, ...]

    def __call__(self, images: Image) -> Image:
        for part in self.parts:
            images = part(images)
        return images

    def composite(self, output: Image, degraded: Image) -> Image:
        """The output itself, unless there is only one part: after a second one, no pixel of the input is known."""
        return self.parts[0].composite(output, degraded) if len(self.parts) == 1 else output

    def __getitem__(self, index: slice | Sequence[int]) -> Chain:
        return Chain(tuple(part[index] for part in self.parts))


LUMA_WEIGHTS = (0.299, 0.587, 0.114)
YCC = torch.tensor([LUMA_WEIGHTS, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)])  # JFIF
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *((99,) * 8,) * 4,
)  # fmt: skip


def luma(images: Image) -> Tensor:
    """[n, 3, h, w] to [n, 1, h, w]."""
    weights = torch.tensor(LUMA_WEIGHTS).to(images)
    return (images * weights[:, None, None]).sum(dim=1, keepdim=True)


def cosines() -> Tensor:
    """The orthonormal DCT-II of 8 samples [8, 8], one frequency per row."""
    u, i = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    table = torch.cos(math.pi * u * (2 * i + 1) / 16) / 2
    table[0] /= math.sqrt(2)
    return table


def quantisers(table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """A table of the standard (ITU-T T.81, annex K) scaled for ``quality`` as libjpeg scales it: [8, 8]."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(table) * scale + 50) // 100).clamp(1, 255).float()


def soft_round(x: Tensor) -> Tensor:
    """Rounding with a slope: round(x) + (x - round(x))^3."""
    whole = x.detach().round()
    return whole + (x - whole) ** 3
