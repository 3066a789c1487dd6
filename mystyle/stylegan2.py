"""StyleGAN2 (Karras et al., 2020) in plain PyTorch: mapping, synthesis and discriminator.

Weights are stored under the names and in the shapes of the official PyTorch networks (``mapping.fc0.weight``,
``synthesis.b8.conv0.affine.weight``, ``b64.fromrgb.weight``, ...), and mean the same; what differs is how they are
applied. Modulation acts on the activations, not on per-sample copies of the weights, so that one shared convolution
serves the whole batch:

    conv(x; W s) d  =  conv(x s; W) d,     d_o = 1 / sqrt(sum_ik (W_oik s_i)^2 + 1e-8)
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import Image, W, WPlus

NoiseMode = Literal["const", "random", "none"]

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2)


def fir_kernel() -> Tensor:
    """The binomial low-pass [1, 3, 3, 1] x [1, 3, 3, 1] of the official networks, sum 1: [4, 4]."""
    f = torch.tensor([1.0, 3.0, 3.0, 1.0])
    f = torch.outer(f, f)
    return f / f.sum()


def channels(resolution: int, base: int, maximum: int) -> int:
    """C(r) = min(base / r, max), the channel schedule of the official networks."""
    return min(base // resolution, maximum)


def normalize_2nd_moment(x: Tensor, eps: float = 1e-8) -> Tensor:
    return x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt()


def lrelu(x: Tensor, gain: float = LRELU_GAIN) -> Tensor:
    return F.leaky_relu(x, LRELU_SLOPE) * gain


def lowpass(x: Tensor, f: Tensor, padding: int) -> Tensor:
    """Every channel of ``x`` filtered with the symmetric kernel ``f`` [4, 4]."""
    c = x.shape[1]
    return F.conv2d(x, f.to(x.dtype).expand(c, 1, 4, 4), padding=padding, groups=c)


def upsample_rgb(x: Image, f: Tensor) -> Image:
    """Zero insertion, then the low-pass with gain 4: [n, c, h, w] -> [n, c, 2h, 2w]."""
    c = x.shape[1]
    return F.conv_transpose2d(x, (4 * f).to(x.dtype).expand(c, 1, 4, 4), stride=2, padding=1, groups=c)


class Linear(nn.Module):
    """Fully connected layer with equalised learning rate; the stored weight is divided by ``lr_mul``."""

    def __init__(self, n_in: int, n_out: int, *, bias: float = 0.0, lr_mul: float = 1.0, activate: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / lr_mul)
        self.bias = nn.Parameter(torch.full((n_out,), float(bias)))
        self.weight_gain, self.bias_gain, self.activate = lr_mul / math.sqrt(n_in), lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return lrelu(x) if self.activate else x


class Mapping(nn.Module):
    """f: Z -> W, a normalised z through ``layers`` equalised layers with learning rate multiplier 0.01."""

    w_avg: Tensor

    def __init__(self, z_dim: int, w_dim: int, num_ws: int, layers: int):
        super().__init__()
        self.num_ws, self.layers = num_ws, layers
        for i in range(layers):
            self.add_module(f"fc{i}", Linear(z_dim if i == 0 else w_dim, w_dim, lr_mul=0.01, activate=True))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def w(self, z: Tensor) -> W:
        """[n, z_dim] -> [n, w_dim], without truncation."""
        x = normalize_2nd_moment(z.float())
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    def forward(self, z: Tensor, truncation: float = 1.0) -> WPlus:
        """[n, z_dim] -> [n, num_ws, w_dim]; ``truncation`` psi moves each code towards w_avg."""
        w = self.w(z)
        if truncation != 1.0:
            w = self.w_avg.lerp(w, truncation)
        return w[:, None].expand(-1, self.num_ws, -1)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution with demodulation, optional x2 up-sampling, noise, bias, leaky ReLU."""

    noise_const: Tensor

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int, *, up: bool):
        super().__init__()
        self.up = up
        self.weight = nn.Parameter(torch.randn(n_out, n_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.affine = Linear(w_dim, n_in, bias=1.0)
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("f", fir_kernel(), persistent=False)

    def demodulation(self, s: Tensor) -> Tensor:
        """d [n, n_out] for styles s [n, n_in]."""
        return (s.square() @ self.weight.square().sum(dim=(2, 3)).T + 1e-8).rsqrt()

    def forward(self, x: Tensor, w: W, noise: NoiseMode = "const") -> Tensor:
        s = self.affine(w)
        d = self.demodulation(s)
        x = x * s[:, :, None, None]
        if self.up:
            x = lowpass(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2), 4 * self.f, padding=1)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = x * d[:, :, None, None] + self.bias[:, None, None]
        if noise == "const":
            x = x + self.noise_const * self.noise_strength
        elif noise == "random":
            x = x + torch.randn_like(x[:, :1]) * self.noise_strength
        return lrelu(x)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation; the style carries the 1 / sqrt(fan-in)."""

    def __init__(self, n_in: int, w_dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, n_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.affine = Linear(w_dim, n_in, bias=1.0)
        self.gain = 1 / math.sqrt(n_in)

    def forward(self, x: Tensor, w: W) -> Image:
        s = self.affine(w) * self.gain
        return F.conv2d(x * s[:, :, None, None], self.weight, self.bias)


class SynthesisBlock(nn.Module):
    """One resolution: a learned constant or an up-convolution, a convolution, and the RGB skip."""

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int):
        super().__init__()
        self.first = resolution == 4
        if self.first:
            self.const = nn.Parameter(torch.randn(n_out, 4, 4))
        else:
            self.conv0 = StyledConv(n_in, n_out, w_dim, resolution, up=True)
        self.conv1 = StyledConv(n_out, n_out, w_dim, resolution, up=False)
        self.torgb = ToRGB(n_out, w_dim)
        self.register_buffer("f", fir_kernel(), persistent=False)

    @property
    def num_conv(self) -> int:
        return 1 if self.first else 2

    def forward(self, x: Tensor | None, rgb: Image | None, ws: WPlus, noise: NoiseMode) -> tuple[Tensor, Image]:
        if x is None or rgb is None:
            x = self.conv1(self.const.expand(len(ws), -1, -1, -1), ws[:, 0], noise)
            return x, self.torgb(x, ws[:, 1])
        x = self.conv0(x, ws[:, 0], noise)
        x = self.conv1(x, ws[:, 1], noise)
        return x, upsample_rgb(rgb, self.f) + self.torgb(x, ws[:, 2])


class Synthesis(nn.Module):
    """g: W+ -> images. A block's ToRGB shares its code with the next block's first convolution."""

    def __init__(self, resolution: int, w_dim: int, channel_base: int, channel_max: int):
        super().__init__()
        self.resolutions = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        self.num_ws = 2 * len(self.resolutions)
        width = [channels(r, channel_base, channel_max) for r in self.resolutions]
        for r, n_in, n_out in zip(self.resolutions, [0, *width], width, strict=False):
            self.add_module(f"b{r}", SynthesisBlock(n_in, n_out, w_dim, r))

    def forward(self, ws: WPlus, noise: NoiseMode = "const") -> Image:
        """[n, num_ws, w_dim] -> [n, 3, R, R], unclamped. Raises ValueError if ws has another number of layers."""
        if ws.ndim != 3 or ws.shape[1] != self.num_ws:
            raise ValueError(f"ws must be [n, {self.num_ws}, w_dim], got {tuple(ws.shape)}")
        x = rgb = None
        start = 0
        for r in self.resolutions:
            block: SynthesisBlock = self.get_submodule(f"b{r}")  # type: ignore[assignment]
            x, rgb = block(x, rgb, ws[:, start : start + block.num_conv + 1], noise)
            start += block.num_conv
        assert rgb is not None
        return rgb


class Generator(nn.Module):
    """G = g o f. ``G(z)``, or ``G.mapping(z)`` and ``G.synthesis(ws)`` by themselves."""

    def __init__(
        self,
        resolution: int = 64,
        z_dim: int = 512,
        w_dim: int = 512,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
    ):
        super().__init__()
        self.config = dict(
            resolution=resolution,
            z_dim=z_dim,
            w_dim=w_dim,
            channel_base=channel_base,
            channel_max=channel_max,
            mapping_layers=mapping_layers,
        )
        self.resolution, self.z_dim, self.w_dim = resolution, z_dim, w_dim
        self.synthesis = Synthesis(resolution, w_dim, channel_base, channel_max)
        self.num_ws = self.synthesis.num_ws
        self.mapping = Mapping(z_dim, w_dim, self.num_ws, mapping_layers)

    def forward(self, z: Tensor, truncation: float = 1.0, noise: NoiseMode = "const") -> Image:
        """[n, z_dim] -> [n, 3, R, R]."""
        return self.synthesis(self.mapping(z, truncation), noise)


class Conv(nn.Module):
    """Convolution of the discriminator: equalised learning rate, optional /2 down-sampling, optional activation."""

    def __init__(self, n_in: int, n_out: int, kernel: int, *, down: bool = False, activate: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(n_out)) if activate else None
        self.gain, self.padding, self.down = 1 / math.sqrt(n_in * kernel**2), kernel // 2, down
        if down:
            self.register_buffer("f", fir_kernel(), persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        weight = self.weight * self.gain
        if self.down:
            x = F.conv2d(lowpass(x, self.f, padding=self.padding + 1), weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=self.padding)
        return x * gain if self.bias is None else lrelu(x + self.bias[:, None, None], LRELU_GAIN * gain)


class DiscriminatorBlock(nn.Module):
    """Residual block r -> r/2; both branches are scaled by sqrt(1/2)."""

    def __init__(self, n_in: int, n_out: int, *, first: bool):
        super().__init__()
        self.fromrgb = Conv(3, n_in, 1) if first else None
        self.conv0 = Conv(n_in, n_in, 3)
        self.conv1 = Conv(n_in, n_out, 3, down=True)
        self.skip = Conv(n_in, n_out, 1, down=True, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        half = math.sqrt(0.5)
        return self.skip(x, half) + self.conv1(self.conv0(x), half)


def minibatch_std(x: Tensor, group: int = 4) -> Tensor:
    """Appends one channel: the standard deviation over groups of ``group`` images, averaged over everything else.

    Groups are strided as in the official networks; a batch that ``group`` does not divide forms smaller groups.
    """
    n, _, h, w = x.shape
    group = math.gcd(group, n)
    y = x.reshape(group, n // group, -1)
    std = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=1)
    return torch.cat([x, std.repeat(group)[:, None, None, None].expand(n, 1, h, w)], dim=1)


class DiscriminatorEpilogue(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv = Conv(width + 1, width, 3)
        self.fc = Linear(width * 16, width, activate=True)
        self.out = Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.fc(self.conv(minibatch_std(x)).flatten(1)))


class Discriminator(nn.Module):
    """The residual StyleGAN2 discriminator: images [n, 3, R, R] -> logits [n]."""

    def __init__(self, resolution: int = 64, channel_base: int = 32768, channel_max: int = 512):
        super().__init__()
        self.config = dict(resolution=resolution, channel_base=channel_base, channel_max=channel_max)
        self.resolution = resolution
        self.resolutions = [2**i for i in range(int(math.log2(resolution)), 2, -1)]
        for r in self.resolutions:
            width = [channels(size, channel_base, channel_max) for size in (r, r // 2)]
            self.add_module(f"b{r}", DiscriminatorBlock(*width, first=r == resolution))
        self.b4 = DiscriminatorEpilogue(channels(4, channel_base, channel_max))

    def forward(self, images: Image) -> Tensor:
        x = images
        for r in self.resolutions:
            x = self.get_submodule(f"b{r}")(x)
        return self.b4(x).squeeze(1)
