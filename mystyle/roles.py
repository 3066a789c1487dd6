"""The roles that networks play in a domain, as protocols: whatever has these members can take the part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from torch import Tensor, nn

from mystyle.types import Image, W, WPlus

Noise = Any
"""``"const"``, ``"random"``, ``"none"``, or maps for each convolution; see ``mystyle.networks.stylegan2.Synthesis``"""


class MappingNetwork(Protocol):
    """f: Z -> W."""

    w_avg: Tensor

    def w(self, z: Tensor) -> W:
        """[n, z_dim] -> [n, w_dim], without truncation."""
        ...

    def __call__(self, z: Tensor, truncation: float = ..., cutoff: int | None = ...) -> WPlus:
        """[n, z_dim] -> [n, num_ws, w_dim]; ``truncation`` psi moves the codes towards ``w_avg``."""
        ...


class SynthesisNetwork(Protocol):
    """g: W+ -> images."""

    @property
    def num_ws(self) -> int: ...

    @property
    def noise_shapes(self) -> Sequence[tuple[int, int, int, int]]:
        """Of the noise of every styled convolution, coarse to fine, for one image: [1, 1, r, r]."""
        ...

    def noise_maps(self) -> list[Tensor]:
        """Copies of the constant noise of every styled convolution: what ``noise`` takes in place of "const"."""
        ...

    def __call__(self, ws: WPlus, noise: Noise = ...) -> Image:
        """[n, num_ws, w_dim] -> [n, 3, R, R], about [-1, 1], not clamped."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def requires_grad_(self, requires_grad: bool = ...) -> Any: ...

    def styled_convolutions(self) -> Sequence[StyledConvolution]:
        """Every modulated convolution, coarse to fine; number i takes the code of layer i."""
        ...


class StyledConvolution(Protocol):
    """A convolution whose input channels are scaled by a linear map of a code."""

    @property
    def style_map(self) -> Tensor:
        """[n_in, w_dim]: the matrix of that map."""
        ...

    def register_forward_hook(self, hook: Any) -> Any: ...


class Mapped(Protocol):
    """A network whose layers take codes that a mapping network makes."""

    @property
    def z_dim(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def mapping(self) -> MappingNetwork: ...


class Generator(Mapped, Protocol):
    """G = g o f."""

    @property
    def resolution(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def synthesis(self) -> SynthesisNetwork: ...

    def __call__(self, z: Tensor, truncation: float = ..., noise: Noise = ...) -> Image:
        """[n, z_dim] -> [n, 3, R, R]."""
        ...

    def requires_grad_(self, requires_grad: bool = ...) -> Self: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def buffers(self) -> Iterator[Tensor]: ...

    def state_dict(self) -> dict[str, Tensor]: ...

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> Any: ...

    def set_checkpointing(self, on: bool = ...) -> Self:
        """Activations are computed again in the backward pass, not kept."""
        ...


class Discriminator(Protocol):
    """Images [n, 3, R, R] to logits [n]."""

    def __call__(self, images: Image) -> Tensor: ...


class Encoder(Protocol):
    """Images [n, 3, R, R] to codes [n, w_dim]."""

    def __call__(self, images: Image) -> W: ...


class DeepFeatures(Protocol):
    """Images to features of the whole image."""

    def deep(self, images: Image) -> Tensor:
        """[n, 3, R, R] -> [n, d]."""
        ...


class PerceptualDistance(Protocol):
    """The distance of losses. No judge shares its network."""

    @property
    def network(self) -> DeepFeatures:
        """The network under the distance; methods select checkpoints by it."""
        ...

    def features(self, images: Image) -> tuple[Tensor, ...]:
        """What ``to_target`` needs of a fixed target, computed once."""
        ...

    def to_target(self, images: Image, target: Sequence[Tensor]) -> Tensor:
        """Distances [n] of images from the ``features`` of a target; gradients reach the images alone."""
        ...

    def __call__(self, a: Image, b: Image) -> Tensor:
        """Distances [n] of pairs, 0 for equal images."""
        ...

    def of_many(self, a: Image, b: Image, batch: int = ...) -> Tensor:
        """``__call__`` for any number of pairs, without gradients."""
        ...

    def map(self, a: Image, b: Image) -> Tensor:
        """Where they differ: [n, 1, h, w], with about the distance as its mean."""
        ...

    def embedding(self, images: Image) -> Tensor:
        """Vectors [n, D] whose squared Euclidean distances are the distances of the images."""
        ...


class AttributeReader(Protocol):
    """Reads attributes of a face (yaw, smile, age, ...)."""

    @property
    def moments(self) -> Mapping[str, Sequence[float]]:
        """Mean and standard deviation of each attribute over the population, in the attribute's unit."""
        ...

    def attributes(self, images: Image) -> dict[str, Tensor]:
        """Attributes ``{name: [n]}`` in their units."""
        ...


class Judge(DeepFeatures, AttributeReader, Protocol):
    """What only metrics use: MAPS features, identity, attributes.

    One network can serve all three, as on the synthetic domain; then ``deep``, the features of MAPS, is computed once
    for all of them.
    """

    def identity_of(self, deep: Tensor) -> Tensor:
        """Features [n, d] -> identity embeddings [n, e] of unit norm."""
        ...

    def regress(self, deep: Tensor) -> Tensor:
        """Features [n, d] -> attributes [n, k] in standard deviations of the population."""
        ...
