"""What style-based generators share whatever their layers are: noise and features by layer, and G = g o f."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Self, TypeVar, get_args

from torch import Tensor, nn

from mystyle.types import Image, WPlus

NoiseMode = Literal["const", "random", "none"]
Noise = NoiseMode | Sequence[Tensor]
Taps = Mapping[int, Callable[[Tensor], Tensor]]
Convolution = TypeVar("Convolution", bound=nn.Module)


class StyledSynthesis(nn.Module, Generic[Convolution]):
    """g: W+ -> images, of blocks ``b{r}`` whose styled convolutions are of the class ``convolution``."""

    convolution: type[Convolution]
    """with its constant noise in ``noise_const`` [r, r]"""

    def __init__(self, resolutions: list[int], num_ws: int):
        super().__init__()
        self.resolutions, self.num_ws, self.checkpointing = resolutions, num_ws, False

    @property
    def noise_shapes(self) -> list[tuple[int, int, int, int]]:
        """Of the noise of every styled convolution in order, for one image: [1, 1, r, r]."""
        return [(1, 1, r, r) for r in self.resolutions for _ in range(1 if r == 4 else 2)]

    def noise_maps(self) -> list[Tensor]:
        """Copies of the constant noise maps, one per styled convolution: what ``noise`` takes in place of "const"."""
        return [layer.get_buffer("noise_const").clone()[None, None] for layer in self.styled_convolutions()]

    def styled_convolutions(self) -> list[Convolution]:
        """Coarse to fine; number i takes the code of layer i."""
        return [layer for layer in self.modules() if isinstance(layer, self.convolution)]

    def noise_of_layers(self, noise: Noise, n: int) -> list[NoiseMode | Tensor]:
        """``noise`` for every styled convolution, checked for a batch of ``n``."""
        shapes = self.noise_shapes
        if isinstance(noise, str):
            if noise not in get_args(NoiseMode):
                raise ValueError(f"noise must be one of {', '.join(get_args(NoiseMode))}, got {noise!r}")
            return [noise] * len(shapes)
        given = [tuple(each.shape) for each in noise]
        if len(given) != len(shapes) or any(a not in (b, (n, *b[1:])) for a, b in zip(given, shapes, strict=True)):
            raise ValueError(f"noise maps must be {shapes}, with 1 or {n} in front, got {given}")
        return list(noise)

    def require(self, ws: WPlus, taps: Taps) -> None:
        """Raises ValueError for ws or taps of another shape or at other resolutions."""
        if ws.ndim != 3 or ws.shape[1] != self.num_ws:
            raise ValueError(f"ws must be [n, {self.num_ws}, w_dim], got {tuple(ws.shape)}")
        if unknown := sorted(taps.keys() - set(self.resolutions)):
            raise ValueError(f"taps must be at resolutions of {self.resolutions}, got {unknown}")


def injected(x: Tensor, features: Tensor) -> Tensor:
    """``features`` in the place of the activations ``x``, in their precision; ValueError for another shape."""
    if features.shape != x.shape:
        raise ValueError(f"features at {x.shape[-1]} px must be {tuple(x.shape)}, got {tuple(features.shape)}")
    return features.to(x.dtype)


class StyledGenerator(nn.Module):
    """G = g o f. ``G(z)``, or ``G.mapping(z)`` and ``G.synthesis(ws)`` by themselves."""

    mapping: nn.Module
    synthesis: StyledSynthesis[Any]

    def forward(
        self, z: Tensor, truncation: float = 1.0, noise: Noise = "const", *, cutoff: int | None = None
    ) -> Image:
        """[n, z_dim] -> [n, 3, R, R]."""
        result: Tensor = self.synthesis(self.mapping(z, truncation, cutoff), noise)
        return result

    def set_checkpointing(self, on: bool = True) -> Self:
        """Trades time for memory: each block's activations are computed again in the backward pass, not kept."""
        self.synthesis.checkpointing = on
        return self
