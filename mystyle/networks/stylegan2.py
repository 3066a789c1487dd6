"""StyleGAN2 (Karras et al., 2020) in plain PyTorch: mapping, synthesis and discriminator.

Weights are stored under the names and in the shapes of the official PyTorch networks, listed in
``mystyle/checkpoints/README.md``, and mean the same; what differs is how they are applied. ``mystyle.networks.plain``
applies them as the paper writes it, and is the oracle of this module. The differences, each measured with
``python -m benchmarks.speed``:

- Styles act on the activations and not on per-image copies of the weights, so that one shared convolution serves the
  whole batch: conv(x; W s) d = conv(x s; W) d, d_o = 1 / sqrt(sum_ik (W_oik s_i)^2 + 1e-8). Where one image's
  activations outweigh the weights by far, it is the other way round, and a CPU runs the images one by one.
- The gain of the leaky ReLU moves in front of it, since lrelu(g x) = g lrelu(x) for g > 0, and from there into the
  factors that are applied anyway; what is left is added and rectified in place, so that a layer keeps one tensor.
- Channels are the innermost dimension where that is faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mystyle import roles
from mystyle.networks.styled import Noise, NoiseMode, StyledGenerator, StyledSynthesis, Taps, injected
from mystyle.types import Image, Unsupported, W, WPlus

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


def is_half(x: Tensor) -> bool:
    return x.dtype in (torch.float16, torch.bfloat16)


def inner_channels(x: Tensor) -> Tensor:
    """Channels-last where it is the faster layout: on GPUs in half precision; on CPUs unless few channels are half."""
    fast = is_half(x) if x.device.type == "cuda" else not is_half(x) or x.shape[1] > 32
    return x.contiguous(memory_format=torch.channels_last if fast else torch.contiguous_format)


def lowpass(x: Tensor, f: Tensor, padding: int, stride: int = 1) -> Tensor:
    """Every channel of ``x`` filtered with the symmetric kernel ``f`` [4, 4]."""
    c = x.shape[1]
    return F.conv2d(x, f.to(x.dtype).expand(c, 1, 4, 4), padding=padding, stride=stride, groups=c)


class LowPass(torch.autograd.Function):
    """``lowpass`` that keeps nothing for its backward pass: a symmetric filter is its own adjoint."""

    @staticmethod
    def forward(x: Tensor, f: Tensor, padding: int) -> Tensor:
        return lowpass(x, f, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        _, ctx.f, ctx.padding = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return LowPass.apply(grad, ctx.f, 3 - ctx.padding), None, None


def upsample_rgb(x: Image, f: Tensor) -> Image:
    """Zero insertion, then the low-pass with gain 4: [n, c, h, w] -> [n, c, 2h, 2w]."""
    c = x.shape[1]
    x = x.contiguous(memory_format=torch.channels_last)  # up to three times as fast
    return F.conv_transpose2d(x, (4 * f).to(x.dtype).expand(c, 1, 4, 4), stride=2, padding=1, groups=c)


def clamped(x: Tensor, limit: float | None) -> Tensor:
    return x if limit is None else x.clamp(-limit, limit)


def squared_norms(weight: Tensor) -> Tensor:
    """sum_k W_oik^2 of kernels [o, i, h, w]: [o, i]."""
    return weight.square().sum(dim=(2, 3))


class Linear(nn.Module):
    """Fully connected layer with equalised learning rate; the stored weight is divided by ``lr_mul``."""

    def __init__(self, n_in: int, n_out: int, *, bias: float = 0.0, lr_mul: float = 1.0, activate: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / lr_mul)
        self.bias = nn.Parameter(torch.full((n_out,), float(bias)))
        gain = LRELU_GAIN if activate else 1.0
        self.weight_gain, self.bias_gain, self.activate = gain * lr_mul / math.sqrt(n_in), gain * lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:
        """[n, n_in] -> [n, n_out]."""
        x = torch.addmm(self.bias, x, self.weight.t(), beta=self.bias_gain, alpha=self.weight_gain)
        return F.leaky_relu_(x, LRELU_SLOPE) if self.activate else x


class MappingNetwork(nn.Module):
    """f: Z -> W, a normalised z through ``layers`` equalised layers with learning rate multiplier 0.01."""

    w_avg: Tensor

    def __init__(self, z_dim: int, w_dim: int, num_ws: int, layers: int):
        super().__init__()
        self.num_ws, self.layers = num_ws, layers
        for i in range(layers):
            self.add_module(f"fc{i}", Linear(z_dim if i == 0 else w_dim, w_dim, lr_mul=0.01, activate=True))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def w(self, z: Tensor) -> W:
        """[n, z_dim] -> [n, w_dim], without truncation. Without layers, as in a file of a synthesis alone, w is z."""
        if not self.layers:
            return z
        x = normalize_2nd_moment(z.to(self.w_avg.dtype))
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    def forward(self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None) -> WPlus:
        """[n, z_dim] -> [n, num_ws, w_dim]; ``truncation`` psi moves the codes towards w_avg.

        Only the first ``cutoff`` layers are moved where it is given.
        """
        w = self.w(z)
        ws = w[:, None].repeat(1, self.num_ws, 1)  # not a view, so that a layer's code can be changed by itself
        if truncation == 1.0:
            return ws
        cutoff = self.num_ws if cutoff is None else cutoff
        return torch.cat([self.w_avg.lerp(ws[:, :cutoff], truncation), ws[:, cutoff:]], dim=1)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution with demodulation, optional x2 up-sampling, noise, bias, leaky ReLU."""

    noise_const: Tensor
    f: Tensor

    def __init__(
        self, n_in: int, n_out: int, w_dim: int, resolution: int, *, up: bool, conv_clamp: float | None = None
    ):
        super().__init__()
        self.up, self.conv_clamp = up, conv_clamp
        self.weight = nn.Parameter(torch.randn(n_out, n_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.affine = Linear(w_dim, n_in, bias=1.0)
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("f", fir_kernel(), persistent=False)
        # factor and floor are where images one by one began to win on two cores at 64 to 1024 px
        self.large = n_out * resolution**2 >= max(8 * self.weight.numel(), 2**20)

    @property
    def style_map(self) -> Tensor:
        """[n_in, w_dim]: the matrix that makes styles of codes, but for a constant."""
        return self.affine.weight

    @property
    def one_by_one(self) -> bool:
        """Whether an image is better served by weights of its own than by a convolution shared with the batch.

        It is where its activations outweigh the weights, unless the gradient of the weights, by which that of the
        style is then computed, is not wanted for itself.
        """
        return self.large and (self.weight.requires_grad or not torch.is_grad_enabled())

    def modulation(self, w: W, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """The weight, the styles s [n, n_in], and the demodulation times the gain of the leaky ReLU, d [n, n_out]."""
        weight: Tensor = self.weight
        s = self.affine(w)
        if dtype == torch.float16:  # products of weight and style stay in range; demodulation undoes both factors
            largest = weight.abs().amax(dim=(1, 2, 3), keepdim=True)
            weight = weight / (largest * math.sqrt(weight[0].numel()))
            s = s / s.abs().amax(dim=1, keepdim=True)
        d = LRELU_GAIN * (s.square() @ squared_norms(weight).T + 1e-8).rsqrt()
        return weight, s, d

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        weight = weight.to(x.dtype)
        if x.device.type == "cpu" and weight.numel() >= max(2 * x.numel(), 2**21):
            x = x.contiguous()  # a convolution has weights in the layout of x, and these cost more to reorder
        if not self.up:
            return F.conv2d(x, weight, padding=1)
        result: Tensor = LowPass.apply(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 4 * self.f, 1)
        return result

    def noise_map(self, n: int, noise: NoiseMode | Tensor) -> Tensor | None:
        """Noise times the gain for a batch of ``n``: [r, r], [1, 1, r, r] or [n, 1, r, r]."""
        if isinstance(noise, str):
            if noise == "none":
                return None
            r = self.noise_const.shape[-1]
            noise = self.noise_const if noise == "const" else torch.randn(n, 1, r, r, device=self.bias.device)
        return noise * (self.noise_strength * LRELU_GAIN)

    def shifted(self, x: Tensor, noise: NoiseMode | Tensor) -> Tensor:
        """``x`` [n, n_out, r, r] with noise and bias, times the gain, added in place."""
        bias, noises = (self.bias * LRELU_GAIN)[None, :, None, None], self.noise_map(len(x), noise)
        if noises is None:
            return x.add_(bias.to(x.dtype))
        if is_half(x):  # in float32 their sum is cheaper where a batch shares it, and a conversion of it here
            return x.add_(noises.to(x.dtype)).add_(bias.to(x.dtype))
        return x.add_(inner_channels(bias + noises))

    def forward(self, x: Tensor, w: W, noise: NoiseMode | Tensor = "const") -> Tensor:
        """[n, n_in, h, h], [n, w_dim] and a map [n or 1, 1, r, r] if the noise is given -> [n, n_out, r, r]."""
        weight, s, d = self.modulation(w, x.dtype)
        if len(x) == 1 and self.one_by_one:
            x = self.convolve(x, weight * s[0, :, None, None] * d[0, :, None, None, None])
        else:
            x = self.convolve(x * s.to(x.dtype)[:, :, None, None], weight) * d.to(x.dtype)[:, :, None, None]
        x = self.shifted(x, noise)
        return clamped(F.leaky_relu_(x, LRELU_SLOPE), self.conv_clamp)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation; the style carries the 1 / sqrt(fan-in)."""

    def __init__(self, n_in: int, w_dim: int, *, conv_clamp: float | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, n_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.affine = Linear(w_dim, n_in, bias=1.0)
        self.gain, self.conv_clamp = 1 / math.sqrt(n_in), conv_clamp

    def forward(self, x: Tensor, w: W) -> Image:
        """[n, n_in, r, r] and [n, w_dim] -> [n, 3, r, r]: one matrix product per image."""
        s = self.affine(w) * self.gain
        weight = self.weight[None, :, :, 0, 0] * s[:, None]
        weight, bias, size = weight.to(x.dtype), self.bias.to(x.dtype), x.shape[2:]
        if is_half(x) and x.is_contiguous(memory_format=torch.channels_last):  # a product in their order copies nothing
            rgb = torch.baddbmm(bias, x.permute(0, 2, 3, 1).flatten(1, 2), weight.mT).mT
        else:
            rgb = torch.baddbmm(bias[:, None], weight, x.flatten(2))
        return clamped(rgb.unflatten(2, size), self.conv_clamp)


class SynthesisBlock(nn.Module):
    """One resolution: a learned constant or an up-convolution, a convolution, and the RGB skip.

    The block computes in ``precision`` if that is set, else in its weights' precision, in which RGB is always summed.
    """

    f: Tensor

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int, conv_clamp: float | None):
        super().__init__()
        self.first = resolution == 4
        self.precision: torch.dtype | None = None
        if self.first:
            self.const = nn.Parameter(torch.randn(n_out, 4, 4))
        else:
            self.conv0 = StyledConv(n_in, n_out, w_dim, resolution, up=True, conv_clamp=conv_clamp)
        self.conv1 = StyledConv(n_out, n_out, w_dim, resolution, up=False, conv_clamp=conv_clamp)
        self.torgb = ToRGB(n_out, w_dim, conv_clamp=conv_clamp)
        self.register_buffer("f", fir_kernel(), persistent=False)

    @property
    def num_conv(self) -> int:
        return 1 if self.first else 2

    def forward(self, x: Tensor | None, ws: WPlus, noise: Sequence[NoiseMode | Tensor]) -> Tensor:
        """Activations of the resolution below, num_conv + 1 codes and num_conv noises -> activations."""
        if x is None:
            first: Tensor = self.conv1(inner_channels(self.const.expand(len(ws), -1, -1, -1)), ws[:, 0], noise[0])
            return first
        x = inner_channels(x.to(self.precision or self.conv1.weight.dtype))
        x = self.conv0(x, ws[:, 0], noise[0])
        result: Tensor = self.conv1(x, ws[:, 1], noise[1])
        return result

    def image(self, x: Tensor, rgb: Image | None, ws: WPlus) -> Image:
        """This block's activations, RGB of the resolution below and this block's codes -> RGB."""
        own = self.torgb(x, ws[:, -1])
        result: Tensor = own if rgb is None else upsample_rgb(rgb, self.f) + own.to(rgb.dtype)
        return result


class Synthesis(StyledSynthesis[StyledConv]):
    """g: W+ -> images. A block's ToRGB shares its code with the next block's first convolution."""

    convolution = StyledConv

    def __init__(self, resolution: int, w_dim: int, channel_base: int, channel_max: int, conv_clamp: float | None):
        resolutions = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        super().__init__(resolutions, 2 * len(resolutions))
        width = [channels(r, channel_base, channel_max) for r in self.resolutions]
        for r, n_in, n_out in zip(self.resolutions, [0, *width], width, strict=False):
            self.add_module(f"b{r}", SynthesisBlock(n_in, n_out, w_dim, r, conv_clamp))

    def forward(self, ws: WPlus, noise: Noise = "const", taps: Taps | None = None) -> Image:
        """[n, num_ws, w_dim] -> [n, 3, R, R], unclamped.

        ``noise`` is the stored maps, fresh ones, none, or a map [n, 1, r, r] or [1, 1, r, r] per styled convolution.
        ``taps`` are called, by resolution r, with the activations [n, c, r, r] of the block, in its precision; what
        they return takes their place, for the block's RGB too. A tap that returns its argument reads features, another
        one injects them. Up to the highest tap a batch stays whole; hooks on layers above it may see large images one
        by one. Raises ValueError for ws, noise, taps or injected features of another number, kind or shape.
        """
        taps = taps or {}
        self.require(ws, taps)
        return self.blocks(self.resolutions, None, None, ws, self.noise_of_layers(noise, len(ws)), taps)

    def blocks(
        self,
        resolutions: list[int],
        x: Tensor | None,
        rgb: Image | None,
        ws: WPlus,
        noise: Sequence[NoiseMode | Tensor],
        taps: Taps,
    ) -> Image:
        """The blocks of ``resolutions`` on what the ones before them left."""
        for i, r in enumerate(resolutions):
            block: SynthesisBlock = self.get_submodule(f"b{r}")  # type: ignore[assignment]
            split = len(ws) > 1 and ws.device.type == "cpu" and block.conv1.one_by_one and r > max(taps, default=0)
            if split and x is not None and rgb is not None:
                rows = [
                    [m if isinstance(m, str) or len(m) == 1 else m[k : k + 1] for m in noise] for k in range(len(ws))
                ]
                images = zip(x.split(1), rgb.split(1), ws.split(1), rows, strict=True)
                return torch.cat([self.blocks(resolutions[i:], *image, taps) for image in images])
            first = max(0, 2 * int(math.log2(r)) - 5)
            codes = ws[:, first : first + block.num_conv + 1]
            inputs = (x, codes, noise[first : first + block.num_conv])
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, *inputs, use_reentrant=False)
            else:
                x = block(*inputs)
            if r in taps:
                x = injected(x, taps[r](x))
            rgb = block.image(x, rgb, codes)
        assert rgb is not None
        return rgb


class Generator(StyledGenerator):
    """StyleGAN2's ``StyledGenerator``.

    ``conv_clamp`` bounds the activations, as networks trained with half precision have it; ``num_fp16_res`` says how
    many of their resolutions were trained so (see ``set_precision``).
    """

    mapping: MappingNetwork
    synthesis: Synthesis

    def __init__(
        self,
        resolution: int = 64,
        z_dim: int = 512,
        w_dim: int = 512,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
        conv_clamp: float | None = None,
        num_fp16_res: int = 0,
    ):
        super().__init__()
        self.config = dict(
            resolution=resolution,
            z_dim=z_dim,
            w_dim=w_dim,
            channel_base=channel_base,
            channel_max=channel_max,
            mapping_layers=mapping_layers,
            conv_clamp=conv_clamp,
            num_fp16_res=num_fp16_res,
        )
        self.resolution, self.z_dim, self.w_dim, self.num_fp16_res = resolution, z_dim, w_dim, num_fp16_res
        self.synthesis = Synthesis(resolution, w_dim, channel_base, channel_max, conv_clamp)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(z_dim, w_dim, self.num_ws, mapping_layers)

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Lets blocks compute in ``dtype``; see the function ``set_precision``."""
        set_precision(self, dtype)
        return self


class Conv(nn.Module):
    """Convolution of the discriminator: equalised learning rate, optional /2 down-sampling, optional activation."""

    f: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        down: bool = False,
        activate: bool = True,
        conv_clamp: float | None = None,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(n_out)) if activate else None
        self.weight_gain, self.conv_clamp = 1 / math.sqrt(n_in * kernel**2), conv_clamp
        self.kernel, self.down = kernel, down
        if down:
            self.register_buffer("f", fir_kernel(), persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """``gain`` scales the output and the clamp."""
        act = gain if self.bias is None else gain * LRELU_GAIN
        weight = (self.weight * (self.weight_gain * act)).to(x.dtype)
        bias = None if self.bias is None else (self.bias * act).to(x.dtype)
        if self.down and self.kernel == 1:  # of the filtered pixels only every second is needed
            x = F.conv2d(lowpass(x, self.f, padding=1, stride=2), weight, bias)
        elif self.down:
            x = F.conv2d(LowPass.apply(x, self.f, 2), weight, bias, stride=2)
        else:
            x = F.conv2d(x, weight, bias, padding=self.kernel // 2)
        if self.bias is not None:
            x = F.leaky_relu_(x, LRELU_SLOPE)
        return clamped(x, None if self.conv_clamp is None else self.conv_clamp * gain)


class DiscriminatorBlock(nn.Module):
    """Residual block r -> r/2; both branches are scaled by sqrt(1/2). ``precision`` as in ``SynthesisBlock``."""

    def __init__(self, n_in: int, n_out: int, *, first: bool, conv_clamp: float | None):
        super().__init__()
        self.precision: torch.dtype | None = None
        self.fromrgb = Conv(3, n_in, 1, conv_clamp=conv_clamp) if first else None
        self.conv0 = Conv(n_in, n_in, 3, conv_clamp=conv_clamp)
        self.conv1 = Conv(n_in, n_out, 3, down=True, conv_clamp=conv_clamp)
        self.skip = Conv(n_in, n_out, 1, down=True, activate=False)

    def activations(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the two convolutions of the residual branch give, and the block's output."""
        if self.fromrgb is not None:  # in the weights' precision: oneDNN's half-precision R1 of three channels crashes
            x = self.fromrgb(x.to(self.fromrgb.weight.dtype))
        x = inner_channels(x.to(self.precision or self.conv0.weight.dtype))
        gain = math.sqrt(0.5)
        first = self.conv0(x)
        second = self.conv1(first, gain)
        return first, second, self.skip(x, gain).add_(second)

    def forward(self, x: Tensor) -> Tensor:
        return self.activations(x)[-1]


def minibatch_std(x: Tensor, group: int | None = 4) -> Tensor:
    """Appends one channel: the standard deviation over groups of ``group`` images, averaged over everything else.

    Groups are strided as in the official networks; a smaller batch is one group, and so is any with None. Where the
    official networks fail, at a larger batch that ``group`` does not divide, the groups are smaller.
    """
    n, _, h, w = x.shape
    group = n if group is None else min(group, n)
    if n % group:
        group = math.gcd(group, n)
    y = x.reshape(group, n // group, -1)
    std = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=1)
    return torch.cat([x, std.repeat(group)[:, None, None, None].expand(n, 1, h, w)], dim=1)


class DiscriminatorEpilogue(nn.Module):
    def __init__(self, width: int, mbstd_group: int | None, conv_clamp: float | None):
        super().__init__()
        self.mbstd_group = mbstd_group
        self.conv = Conv(width + 1, width, 3, conv_clamp=conv_clamp)
        self.fc = Linear(width * 16, width, activate=True)
        self.out = Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = minibatch_std(x.to(self.conv.weight.dtype), self.mbstd_group)
        result: Tensor = self.out(self.fc(self.conv(x).flatten(1)))
        return result


class Discriminator(nn.Module):
    """The residual StyleGAN2 discriminator: images [n, 3, R, R] -> logits [n]. Arguments as in ``Generator``."""

    def __init__(
        self,
        resolution: int = 64,
        channel_base: int = 32768,
        channel_max: int = 512,
        conv_clamp: float | None = None,
        num_fp16_res: int = 0,
        mbstd_group: int | None = 4,
    ):
        super().__init__()
        self.config = dict(
            resolution=resolution,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_clamp=conv_clamp,
            num_fp16_res=num_fp16_res,
            mbstd_group=mbstd_group,
        )
        self.resolution, self.num_fp16_res = resolution, num_fp16_res
        self.resolutions = [2**i for i in range(int(math.log2(resolution)), 2, -1)]
        for r in self.resolutions:
            width = [channels(size, channel_base, channel_max) for size in (r, r // 2)]
            self.add_module(f"b{r}", DiscriminatorBlock(*width, first=r == resolution, conv_clamp=conv_clamp))
        self.b4 = DiscriminatorEpilogue(channels(4, channel_base, channel_max), mbstd_group, conv_clamp)

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Lets blocks compute in ``dtype``; see the function ``set_precision``."""
        set_precision(self, dtype)
        return self

    def forward(self, images: Image) -> Tensor:
        x = images
        for r in self.resolutions:
            x = self.get_submodule(f"b{r}")(x)
        result: Tensor = self.b4(x).squeeze(1)
        return result


def require_stylegan2(generator: roles.Generator) -> Generator:
    """``generator`` itself. Raises Unsupported for one of another architecture."""
    if not isinstance(generator, Generator):
        raise Unsupported(f"needs a StyleGAN2 generator, not a {type(generator).__name__}")
    return generator


def set_precision(network: Generator | Discriminator, dtype: torch.dtype, resolutions: int | None = None) -> None:
    """Lets the ``resolutions`` highest resolutions compute in ``dtype``, the others in float32; weights stay float32.

    Without a number: in float16 as many as the network was trained with (``num_fp16_res``), in bfloat16, whose range is
    that of float32, all but 4 px, which is float32 always. Raises ValueError for other types, and for float16 where
    the network was never trained in it and no number is given.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"precision must be float32, bfloat16 or float16, got {dtype}")
    if resolutions is None:
        resolutions = network.num_fp16_res if dtype == torch.float16 else 99
        if resolutions == 0:
            raise ValueError(
                "this network was not trained in float16: say for how many resolutions to use it, or bfloat16"
            )
    lowest = max(network.resolution * 2.0 ** (1 - resolutions), 8)
    for name, block in network.named_modules():
        if isinstance(block, SynthesisBlock | DiscriminatorBlock):
            half = dtype != torch.float32 and int(name.rpartition("b")[2]) >= lowest
            block.precision = dtype if half else None
