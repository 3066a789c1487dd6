"""The vocabulary of the project: tensor conventions, one person's photos, and what methods promise.

Tensor names used in signatures
    ``Image``  float32 RGB ``[n, 3, h, w]`` in [-1, 1]
    ``W``      latent codes ``[n, w_dim]``
    ``WPlus``  latent codes per layer ``[n, num_ws, w_dim]``
    ``Mask``   float32 ``[n, 1, h, w]``, 1 where the pixel is known and 0 in the hole
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor

LENGTH = {"length": True}
"""metadata of a field of settings that a method's time is in proportion to: steps, passes, images"""

if TYPE_CHECKING:
    from mystyle.domains.domain import Domain

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
        """The final picture from a method's raw output: known pixels are taken from ``degraded``."""
        ...

    def __getitem__(self, index: slice | Sequence[int]) -> Degradation:
        """The degradation of the sub-batch ``index``, a slice or a list of positions."""
        ...


@runtime_checkable
class Prior(Protocol):
    """What ``fit`` returns. The verbs below are optional; a suite asks for the one that it needs."""

    def save(self, folder: Path) -> None:
        """Writes everything ``Method.load`` needs into an existing empty folder (safetensors and JSON only)."""
        ...


@runtime_checkable
class Samples(Protocol):
    def sample(self, n: int, *, seed: int) -> Image: ...


@runtime_checkable
class Restores(Protocol):
    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """``[n, 3, h, w]`` raw outputs, before compositing; row i depends on row i and ``seeds[i]`` alone."""
        ...


@runtime_checkable
class Projects(Restores, Protocol):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Any:
        """What ``restore`` finds, with more than its pictures; a ``mystyle.projection.Projection``."""
        ...


@runtime_checkable
class Inverts(Protocol):
    def invert(self, images: Image, *, seeds: Sequence[int]) -> Any: ...


@runtime_checkable
class Edits(Protocol):
    def edit(self, code: Any, direction: str, strengths: Sequence[float]) -> Image: ...


@runtime_checkable
class Walks(Inverts, Protocol):
    """A prior whose edits are codes of one generator, so that the generator may be tuned before they are rendered."""

    generator: Any
    perceptual: Any

    def walked(self, code: Any, direction: str, strengths: Sequence[float]) -> WPlus:
        """The codes of ``edit``: [n * S, num_ws, w_dim], strengths running fastest."""
        ...


class Unsupported(ValueError):
    """A method has no answer to this degradation or direction by nature; the message says why. A dash in the table."""


@runtime_checkable
class Method(Protocol):
    """A way of building a prior of one person.

    A method is one file; the file's name is the method's name and its module-level ``METHOD`` is an instance.
    ``settings`` is a frozen dataclass of the method's own with a field ``fit``: whatever decides the fitted prior
    (a dataclass, or None where nothing is fitted). Priors are cached by it, so the rest of the settings must not
    influence ``fit``. ``presets`` holds one settings object for each of ``smoke``, ``quick``, ``full``, ``paper``.
    ``does`` names what its priors can do: of sample, inpaint, upscale, invert, edit. A method with a network of its own
    that belongs to the domain and not to a person names that file in ``base`` (see ``baselines.common.pretrain``).
    """

    name: str
    version: int
    title: str
    does: tuple[str, ...]
    presets: Mapping[str, Any]

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Any) -> Prior: ...

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Any) -> Prior:
        """The prior that ``save`` wrote into ``folder``; ``person`` and ``settings.fit`` are those of its ``fit``."""
        ...
