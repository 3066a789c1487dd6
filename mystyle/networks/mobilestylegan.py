"""MobileStyleGAN (Belousov, 2021) in plain PyTorch: a StyleGAN2 generator distilled into separable convolutions.

The features of a level are wavelet coefficients of those of the next: an inverse Haar transform doubles the size and
quarters the channels, a depthwise 3x3 and a modulated 1x1 convolution take the place of StyleGAN2's 3x3, twice a level,
and the last coefficients are those of the image. There are no RGB skips, the demodulation of the paper is part of the
weights, as its published files have it, and W is StyleGAN2's. A code of W+ goes where StyleGAN2's numbering has it:
row 0 to the convolution at 4 px, rows 2l+1 and 2l+2 to the level of 8 * 2^l px, the first of them also to the scales
before its transform, and the last row to the RGB layer, whose features have half the size of the image.

Every trained tensor is stored as values of unit RMS times a constant (``Scaled``): an equalised learning rate, with the
scales that a file has. In published files the RMS of tensors lies between 1e-4 and 7, so that one rate of Adam would
leave some tensors where they are and wreck others; of values of unit RMS, a rate of 0.003 moves each by about 0.3 % of
its size a step. The product is the file's tensor but for rounding, of 1e-7 of its size.

What makes it fast on a CPU: channels are the innermost dimension; the four bands of the Haar transform are slices of
the channels, in which they are added without a convolution; the two styles in front of a level are one factor before
its transform; the style of the second convolution goes into the 1x1 weights of each image where these are fewer than
the activations, and if they are trained; noise, bias and activation are applied in place.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mystyle.networks.styled import Noise, NoiseMode, StyledGenerator, StyledSynthesis, Taps, injected
from mystyle.networks.stylegan2 import LRELU_SLOPE, MappingNetwork
from mystyle.types import Image, W, WPlus

CHANNELS = (512, 512, 512, 512, 512, 256, 128, 64)
"""of the published 1024 px network, at 4, 8, .. 512 px"""
BANDS = 4
"""of a Haar transform: low-pass, vertical, horizontal and diagonal details, in this order, as slices of the channels"""


class Scaled(nn.Module):
    """A trained tensor: ``values``, of about unit RMS, times the constant ``scale``, which is saved with them."""

    scale: Tensor

    def __init__(self, *shape: int, scale: float = 1.0, zeros: bool = False):
        super().__init__()
        self.values = nn.Parameter(torch.zeros(shape) if zeros else torch.randn(shape))
        self.register_buffer("scale", torch.tensor(scale))

    def tensor(self) -> Tensor:
        return self.values * self.scale

    @torch.no_grad()
    def assign(self, tensor: Tensor) -> None:
        """Becomes ``tensor``; one of zeros gets the scale that tensors of its kind have at first."""
        rms = tensor.square().mean().sqrt()
        if rms > 0:
            self.scale.copy_(rms)
        self.values.copy_(tensor / self.scale)


class Affine(nn.Module):
    """w to styles: [n, w_dim] -> [n, n_out]."""

    def __init__(self, w_dim: int, n_out: int):
        super().__init__()
        self.weight = Scaled(n_out, w_dim, scale=0.1 / math.sqrt(w_dim))
        self.bias = Scaled(n_out)
        nn.init.ones_(self.bias.values)

    def forward(self, w: W) -> Tensor:
        return F.linear(w, self.weight.values) * self.weight.scale + self.bias.tensor()


def by_pixel(x: Tensor) -> Tensor:
    """[n, c, h, w] -> [n, h * w, c], which copies nothing if channels are innermost."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """1x1 convolution of [n, c, h, w] with weights [o, c], or [n, o, c] of each image -> [n, h * w, o]."""
    return torch.bmm(by_pixel(x), weight.expand(len(x), -1, -1).mT)


def to_bands(x: Tensor) -> Tensor:
    """Haar transform: [n, c, 2h, 2w] -> [n, 4c, h, w], orthonormal but for a factor of 2."""
    n, c, h, w = x.shape
    top, bottom = x[:, :, ::2], x[:, :, 1::2]
    low, high = top + bottom, top - bottom
    bands = x.new_empty((n, h // 2, w // 2, BANDS * c)).permute(0, 3, 1, 2)
    for first, rows in enumerate((low, high)):
        left, right = rows[..., ::2], rows[..., 1::2]
        torch.add(left, right, out=bands[:, first * c : (first + 1) * c])
        torch.sub(left, right, out=bands[:, (first + 2) * c : (first + 3) * c])
    return bands


def from_bands(x: Tensor) -> Tensor:
    """Inverse Haar transform, but for a factor of 2: [n, 4c, h, w] -> [n, c, 2h, 2w]."""
    n, c, h, w = x.shape
    low, vertical, horizontal, diagonal = x.chunk(BANDS, 1)
    image = x.new_empty((n, 2 * h, 2 * w, c // BANDS)).permute(0, 3, 1, 2)
    for row, combine in enumerate((torch.add, torch.sub)):
        even, odd = combine(low, vertical), combine(horizontal, diagonal)
        torch.add(even, odd, out=image[:, :, row::2, ::2])
        torch.sub(even, odd, out=image[:, :, row::2, 1::2])
    return image


class FromBands(torch.autograd.Function):
    """``from_bands``, which keeps nothing for its backward pass: its adjoint is ``to_bands``."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return from_bands(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        result: Tensor = ToBands.apply(grad)
        return result


class ToBands(torch.autograd.Function):
    """``to_bands``, whose adjoint is ``from_bands``."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return to_bands(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        result: Tensor = FromBands.apply(grad)
        return result


class StyledConv(nn.Module, ABC):
    """A modulated convolution without demodulation, then noise, bias and leaky ReLU; subclasses ``convolve``."""

    noise_const: Tensor

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int):
        super().__init__()
        self.affine = Affine(w_dim, n_in)
        self.bias = Scaled(n_out, scale=0.5, zeros=True)
        self.noise_strength = Scaled(scale=0.01)
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        nn.init.ones_(self.noise_strength.values)

    @property
    def style_map(self) -> Tensor:
        """[n_in, w_dim]: the matrix that makes styles of codes."""
        return self.affine.weight.tensor()

    def convolve(self, x: Tensor, style: Tensor | None) -> Tensor:
        """[n, n_in, r, r] -> [n, r * r, n_out]; without ``style`` [n, n_in], x is modulated already."""
        raise NotImplementedError

    def forward(self, x: Tensor, style: Tensor | None, noise: NoiseMode | Tensor = "const") -> Tensor:
        """``noise`` is a mode, or maps [n or 1, 1, r, r]."""
        size = x.shape[2:]
        x = self.convolve(x, style)  # not a view, so that what is done to it in place costs autograd no copy
        shift = self.bias.tensor()
        if (maps := self.noise_map(len(x), noise)) is not None:
            shift = shift + maps.flatten(1)[..., None]
        x = F.leaky_relu_(x.add_(shift.to(x.dtype)), LRELU_SLOPE)
        return x.view(len(x), *size, -1).permute(0, 3, 1, 2)

    def noise_map(self, n: int, noise: NoiseMode | Tensor) -> Tensor | None:
        """The noise that is added to a batch of ``n``: [n or 1, r, r]."""
        if isinstance(noise, str):
            if noise == "none":
                return None
            r = self.noise_const.shape[-1]
            maps = self.noise_const[None] if noise == "const" else torch.randn(n, r, r, device=self.noise_const.device)
        else:
            maps = noise[:, 0]
        return maps * self.noise_strength.tensor()


class DenseConv(StyledConv):
    """3x3 convolution of all channels, at 4 px."""

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int):
        super().__init__(n_in, n_out, w_dim, resolution)
        self.weight = Scaled(n_out, n_in, 3, 3, scale=1 / math.sqrt(9 * n_in))

    def convolve(self, x: Tensor, style: Tensor | None) -> Tensor:
        assert style is not None
        x = x * (style * self.weight.scale).to(x.dtype)[:, :, None, None]
        x = F.conv2d(x, self.weight.values.to(x.dtype), padding=1)
        return by_pixel(x).clone(memory_format=torch.contiguous_format)


class SeparableConv(StyledConv):
    """Depthwise 3x3, then 1x1 convolution."""

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int):
        super().__init__(n_in, n_out, w_dim, resolution)
        self.depthwise = Scaled(n_in, 1, 3, 3, scale=1 / 3)
        self.pointwise = Scaled(n_out, n_in, scale=1 / math.sqrt(n_in))

    def convolve(self, x: Tensor, style: Tensor | None) -> Tensor:
        kernel, weight = self.depthwise.tensor(), self.pointwise.tensor()
        if style is not None and self.folds(x):
            weight = weight * style[:, None]
        elif style is not None:
            x = x * style.to(x.dtype)[:, :, None, None]
        x = F.conv2d(x, kernel.to(x.dtype), padding=1, groups=x.shape[1])
        return pointwise(x, weight.to(x.dtype))

    def folds(self, x: Tensor) -> bool:
        """Whether the style of [n, n_in, r, r] goes into 1x1 weights of each image: where these are the smaller part.

        The gradient of these weights comes by itself if they are trained; else it is worth its price if they are few.
        """
        weight = self.pointwise.values
        wanted = weight.requires_grad or not torch.is_grad_enabled() or x.shape[1] <= 128
        return wanted and len(weight) <= x.shape[2] * x.shape[3]


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to the wavelet coefficients of the image, then the inverse Haar transform."""

    def __init__(self, n_in: int, w_dim: int):
        super().__init__()
        self.affine = Affine(w_dim, n_in)
        self.weight = Scaled(BANDS * 3, n_in, scale=1 / math.sqrt(n_in))
        self.bias = Scaled(BANDS * 3, scale=0.1, zeros=True)

    def forward(self, x: Tensor, w: W) -> Image:
        """[n, n_in, r, r] and [n, w_dim] -> [n, 3, 2r, 2r] in the precision of the weights."""
        weight = self.weight.tensor() * (0.5 * self.affine(w))[:, None]
        bands = torch.baddbmm((0.5 * self.bias.tensor()).to(x.dtype), by_pixel(x), weight.mT.to(x.dtype))
        bands = bands.to(weight.dtype).mT.unflatten(2, x.shape[2:])
        image: Tensor = FromBands.apply(bands)
        return image.contiguous()


class SynthesisBlock(nn.Module):
    """One resolution: at 4 px a learned constant and a convolution, else an inverse Haar transform and two.

    The block computes in ``precision`` if that is set, else in its weights' precision.
    """

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int):
        super().__init__()
        self.first = resolution == 4
        self.precision: torch.dtype | None = None
        self.conv0: SeparableConv | None = None
        if self.first:
            self.const = Scaled(n_out, 4, 4)
            self.conv1: StyledConv = DenseConv(n_out, n_out, w_dim, resolution)
        else:
            self.affine = Affine(w_dim, n_in)
            self.conv0 = SeparableConv(n_in // BANDS, n_out, w_dim, resolution)
            self.conv1 = SeparableConv(n_out, n_out, w_dim, resolution)

    @property
    def num_conv(self) -> int:
        return 1 if self.first else 2

    def forward(self, x: Tensor | None, ws: WPlus, noise: Sequence[NoiseMode | Tensor]) -> Tensor:
        """Activations of the resolution below, and a code and a noise of each convolution -> activations."""
        if x is None or self.conv0 is None:
            first: Tensor = self.conv1(
                self.const.tensor().expand(len(ws), -1, -1, -1), self.conv1.affine(ws[:, 0]), noise[0]
            )
            return first
        x = x.to(self.precision or self.conv0.bias.values.dtype)
        style = 0.5 * self.affine(ws[:, 0]) * self.conv0.affine(ws[:, 0]).repeat(1, BANDS)
        x = FromBands.apply(x * style.to(x.dtype)[:, :, None, None])
        x = self.conv0(x, None, noise[0])
        result: Tensor = self.conv1(x, self.conv1.affine(ws[:, 1]), noise[1])
        return result


class Synthesis(StyledSynthesis[StyledConv]):
    """g: W+ -> images."""

    convolution = StyledConv

    def __init__(self, w_dim: int, channels: Sequence[int]):
        super().__init__([4 << i for i in range(len(channels))], 2 * len(channels))
        for r, n_in, n_out in zip(self.resolutions, [0, *channels], channels, strict=False):
            self.add_module(f"b{r}", SynthesisBlock(n_in, n_out, w_dim, r))
        self.torgb = ToRGB(channels[-1], w_dim)

    def forward(self, ws: WPlus, noise: Noise = "const", taps: Taps | None = None) -> Image:
        """[n, num_ws, w_dim] -> [n, 3, R, R], unclamped.

        ``noise`` and ``taps`` are as in ``mystyle.networks.stylegan2.Synthesis``; resolutions of taps go up to R / 2.
        Raises ValueError for ws, noise, taps or injected features of another number, kind or shape.
        """
        taps = taps or {}
        self.require(ws, taps)
        noises, x = self.noise_of_layers(noise, len(ws)), None
        for i, r in enumerate(self.resolutions):
            block: SynthesisBlock = self.get_submodule(f"b{r}")  # type: ignore[assignment]
            first = max(0, 2 * i - 1)
            rows = slice(first, first + block.num_conv)
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, ws[:, rows], noises[rows], use_reentrant=False)
            else:
                x = block(x, ws[:, rows], noises[rows])
            if r in taps:
                x = injected(x, taps[r](x))
        result: Tensor = self.torgb(x, ws[:, -1])
        return result


class MobileGenerator(StyledGenerator):
    """G = g o f. ``G(z)``, or ``G.mapping(z)`` and ``G.synthesis(ws)`` by themselves.

    ``channels`` are those of the features at 4, 8, .. ``resolution`` / 2 px; by default those of the published network
    up to there, of which smaller images need an RGB layer of their own (``mystyle.pretrain.heads``). Raises ValueError
    if they are of another number, or not multiples of 4.
    """

    mapping: MappingNetwork
    synthesis: Synthesis

    def __init__(
        self,
        resolution: int = 1024,
        z_dim: int = 512,
        w_dim: int = 512,
        channels: Sequence[int] | None = None,
        mapping_layers: int = 8,
    ):
        super().__init__()
        count = resolution.bit_length() - 3
        if resolution != 4 << count or not 1 <= count <= 9:
            raise ValueError(f"resolution must be a power of two from 8 to 2048, got {resolution}")
        channels = list(CHANNELS[:count] if channels is None else channels)
        if len(channels) != count or any(c < BANDS or c % BANDS for c in channels):
            raise ValueError(f"channels must be {count} multiples of {BANDS}, got {channels}")
        self.config: dict[str, Any] = dict(
            resolution=resolution, z_dim=z_dim, w_dim=w_dim, channels=channels, mapping_layers=mapping_layers
        )
        self.resolution, self.z_dim, self.w_dim = resolution, z_dim, w_dim
        self.synthesis = Synthesis(w_dim, channels)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(z_dim, w_dim, self.num_ws, mapping_layers)

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Lets all blocks but that at 4 px compute in ``dtype``, float32 or bfloat16; weights and RGB stay float32.

        Raises ValueError for other types: no published network was trained in float16.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ValueError(f"precision must be float32 or bfloat16, got {dtype}")
        for block in self.synthesis.children():
            if isinstance(block, SynthesisBlock) and not block.first:
                block.precision = dtype if dtype == torch.bfloat16 else None
        return self


def require_fit(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError unless ``tensors`` are those that ``assign`` wants for ``network``."""
    expected = {name: tuple(t.shape) for name, t in assignable(network).items()}
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors or name not in expected:
            raise ValueError(f"{name} is {'missing' if name in expected else 'no tensor of this network'}")
        if tuple(tensors[name].shape) != expected[name]:
            raise ValueError(f"{name} has shape {list(tensors[name].shape)}, expected {list(expected[name])}")


def assignable(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of ``network``: the values of ``Scaled`` under the names of these modules, the others as they are."""
    scaled = {name: module for name, module in network.named_modules() if isinstance(module, Scaled)}
    others = {name: t for name, t in network.state_dict().items() if name.rpartition(".")[0] not in scaled}
    return others | {name: module.values for name, module in scaled.items()}


@torch.no_grad()
def assign(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Puts ``tensors`` under the names of ``assignable`` into ``network``. Raises ValueError if they do not fit."""
    require_fit(network, tensors)
    for name, target in assignable(network).items():
        module = network.get_submodule(name) if name in dict(network.named_modules()) else None
        if isinstance(module, Scaled):
            module.assign(tensors[name])
        else:
            target.copy_(tensors[name])
