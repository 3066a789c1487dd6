"""The vocabulary of the project: tensor conventions, one person's photos, degradations.

Tensor names used in signatures
    ``Image``  float32 RGB ``[n, 3, h, w]`` in [-1, 1]
    ``W``      latent codes ``[n, w_dim]``
    ``WPlus``  latent codes per layer ``[n, num_ws, w_dim]``
    ``Mask``   float32 ``[n, 1, h, w]``, 1 where the pixel is known and 0 in the hole
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

LENGTH = {"length": True}
"""metadata of a field of settings that a method's time is in proportion to: steps, passes, images"""

Image = Tensor
W = Tensor
WPlus = Tensor
Mask = Tensor


def to_uint8(images: Image) -> Tensor:
    """[-1, 1] float images to uint8 ``[n, 3, h, w]``; the only rounding rule of the project (half to even, clamped)."""
    return images.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def from_uint8(images: Tensor) -> Image:
    """uint8 ``[n, 3, h, w]`` to float32 in [-1, 1]; ``to_uint8(from_uint8(x)) == x`` for every x."""
    return images.float().div(127.5).sub(1)


def as_written(images: Image) -> Image:
    """``images`` as a file would give them back: clamped, and rounded to 8 bits."""
    return from_uint8(to_uint8(images))


@dataclass(frozen=True)
class Portraits:
    """Photos of one person, in a fixed order.

    ``files`` are names relative to the person's folder, ``hashes`` the SHA-256 of each file, ``parameters`` the true
    parameters of each photo (``{name: [n]}``) where the photos are rendered, empty where they are real.
    """

    person: str
    images: Image
    files: tuple[str, ...]
    hashes: tuple[str, ...]
    parameters: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.files) == len(self.hashes):
            raise ValueError(
                f"{self.person}: {len(self.images)} images, {len(self.files)} names, {len(self.hashes)} hashes"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: slice | Sequence[int]) -> Portraits:
        """The photos at ``index`` (a slice or a list of positions), order kept."""
        keep = list(range(len(self)))[index] if isinstance(index, slice) else list(index)
        return Portraits(
            self.person,
            self.images[keep],
            tuple(self.files[i] for i in keep),
            tuple(self.hashes[i] for i in keep),
            {name: values[keep] for name, values in self.parameters.items()},
        )


@runtime_checkable
class Degradation(Protocol):
    """A differentiable map phi from clean to degraded images (section 3.3), fixed for a batch of n images."""

    def __call__(self, images: Image) -> Image:
        """``[n, 3, h, w]`` clean to degraded."""
        ...

    def composite(self, output: Image, degraded: Image) -> Image:
        """The final image from a method's raw output: known pixels are taken from ``degraded``."""
        ...

    def __getitem__(self, index: slice | Sequence[int]) -> Degradation:
        """The degradation of the sub-batch ``index``, a slice or a list of positions."""
        ...


class Unsupported(ValueError):
    """A method has no answer to this degradation or direction by nature; the message says why. A dash in the table."""
