"""Degradations phi: the known, differentiable map from a clean image to the given one (sections 3.3 and 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from mystyle.types import Image, Mask


@dataclass(frozen=True)
class Identity:
    """phi(x) = x: projection with it is inversion."""

    def __call__(self, images: Image) -> Image:
        return images

    def composite(self, output: Image, degraded: Image) -> Image:
        """The output itself: with every pixel known, blending would only return the input."""
        return output

    def __getitem__(self, index: slice) -> Identity:
        return self


@dataclass(frozen=True)
class Inpainting:
    """phi(x) = x * m (section 5.2.1), m known; hidden pixels become 0, mid-grey on the [-1, 1] scale."""

    mask: Mask
    """[n, 1, h, w], 1 where the pixel is known and 0 in the hole; used on the images' device."""

    def __post_init__(self) -> None:
        if self.mask.ndim != 4 or self.mask.shape[1] != 1 or not ((self.mask == 0) | (self.mask == 1)).all():
            raise ValueError(f"a mask is [n, 1, h, w] of zeros and ones, got shape {tuple(self.mask.shape)}")

    def __call__(self, images: Image) -> Image:
        return images * self.mask.to(images)

    def composite(self, output: Image, degraded: Image) -> Image:
        """The paper's blend: the output in the hole, the given image elsewhere, with a hard edge.

        The official code dilates the hole by 20 pixels and clones the output into it by Poisson blending.
        """
        m = self.mask.to(output)
        return output * (1 - m) + degraded * m

    def __getitem__(self, index: slice) -> Inpainting:
        return Inpainting(self.mask[index])
