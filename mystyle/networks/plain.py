"""StyleGAN2 computed as its paper and the official networks compute it: the oracle of ``mystyle.networks.stylegan2``.

Every image gets its own modulated and demodulated weights, applied by one grouped convolution, which up-samples by a
transposed convolution and a low-pass; filters are zero insertion, padding, a 4x4 convolution and decimation; noise,
bias, activation, gain and clamp follow one after the other. These functions read the same modules, so that tests and
``benchmarks.speed`` compare both. In float32 on a CPU, ``synthesis`` gives the images of the official reference code
(``impl="ref"``, ``fused_modconv=True``) bit for bit, in the same time.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.networks.styled import Noise, NoiseMode, Taps
from mystyle.networks.stylegan2 import (
    LRELU_GAIN,
    LRELU_SLOPE,
    Conv,
    Discriminator,
    DiscriminatorBlock,
    Generator,
    Linear,
    StyledConv,
    SynthesisBlock,
    ToRGB,
)
from mystyle.types import Image, W, WPlus


def filtered(x: Tensor, f: Tensor, padding: tuple[int, int], up: int = 1, down: int = 1, gain: float = 1.0) -> Tensor:
    """Zeros after every sample, ``padding`` before and behind, convolution with ``f``, every ``down``-th sample."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    kernel = (f * gain).to(x.dtype).flip((0, 1)).repeat(c, 1, 1, 1)
    return F.conv2d(F.pad(x, (*padding, *padding)), kernel, groups=c)[:, :, ::down, ::down]


def bias_act(x: Tensor, bias: Tensor, *, activate: bool, gain: float = 1.0, clamp: float | None = None) -> Tensor:
    x = x + bias.to(x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))
    scale = gain * LRELU_GAIN if activate else gain
    x = F.leaky_relu(x, LRELU_SLOPE) if activate else x
    x = x if scale == 1 else x * scale
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)


def linear(layer: Linear, x: Tensor, lr_mul: float = 1.0) -> Tensor:
    weight, bias = layer.weight * (lr_mul / math.sqrt(x.shape[1])), layer.bias * lr_mul
    return bias_act(x @ weight.T, bias, activate=True) if layer.activate else torch.addmm(bias, x, weight.T)


def mapping(generator: Generator, z: Tensor) -> W:
    """f of the paper, [n, z_dim] -> [n, w_dim]."""
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for i in range(generator.mapping.layers):
        x = linear(generator.mapping.get_submodule(f"fc{i}"), x, lr_mul=0.01)  # type: ignore[arg-type]
    return x


def modulated(weight: Tensor, s: Tensor, dtype: torch.dtype, *, demodulate: bool) -> Tensor:
    """Eq. 1 and 3 of the paper: weights [n, o, i, k, k] of their own for styles s [n, i]."""
    if dtype == torch.float16 and demodulate:  # range: the factors cancel in the demodulation
        weight = weight / (math.sqrt(weight[0].numel()) * weight.abs().amax(dim=(1, 2, 3), keepdim=True))
        s = s / s.abs().amax(dim=1, keepdim=True)
    weights = weight[None] * s[:, None, :, None, None]
    if demodulate:
        weights = weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    return weights.to(dtype)


def styled_conv(layer: StyledConv, x: Tensor, w: W, noise: NoiseMode | Tensor) -> Tensor:
    """The layer of [n, n_in, h, h] and [n, w_dim]; ``noise`` may be its map [n or 1, 1, r, r]."""
    n, n_in, *size = x.shape
    weights = modulated(layer.weight, linear(layer.affine, w), x.dtype, demodulate=True)
    x = x.reshape(1, n * n_in, *size)
    if layer.up:
        x = F.conv_transpose2d(x, weights.transpose(1, 2).flatten(0, 1), stride=2, groups=n)
        x = filtered(x, layer.f, (1, 1), gain=4)
    else:
        x = F.conv2d(x, weights.flatten(0, 1), padding=1, groups=n)
    x = x.reshape(n, -1, *x.shape[2:])
    if noise == "random":
        noise = torch.randn_like(x[:, :1])
    elif noise == "const":
        noise = layer.noise_const
    if isinstance(noise, Tensor):
        x = x.add_(noise * layer.noise_strength)
    return bias_act(x, layer.bias, activate=True, clamp=layer.conv_clamp)


def to_rgb(layer: ToRGB, x: Tensor, w: W) -> Image:
    n, n_in, *size = x.shape
    weights = modulated(layer.weight, linear(layer.affine, w) / math.sqrt(n_in), x.dtype, demodulate=False)
    x = F.conv2d(x.reshape(1, n * n_in, *size), weights.flatten(0, 1), groups=n).reshape(n, 3, *size)
    return bias_act(x, layer.bias, activate=False, clamp=layer.conv_clamp)


def synthesis(generator: Generator, ws: WPlus, noise: Noise = "const", taps: Taps | None = None) -> Image:
    """g of the paper, [n, num_ws, w_dim] -> [n, 3, R, R], in the precision that ``set_precision`` gave each block."""
    codes, w = iter(ws.unbind(1)), ws[:, 0]
    noises = itertools.repeat(noise) if isinstance(noise, str) else iter(noise)
    x, rgb = generator.synthesis.get_parameter("b4.const").repeat(len(ws), 1, 1, 1), None
    for r, block in zip(generator.synthesis.resolutions, generator.synthesis.children(), strict=True):
        assert isinstance(block, SynthesisBlock)
        if rgb is not None:
            x = styled_conv(block.conv0, x.to(block.precision or block.conv0.weight.dtype), w, next(noises))
        x = styled_conv(block.conv1, x, next(codes), next(noises))
        if taps and r in taps:
            x = taps[r](x)
        w = next(codes)
        own = to_rgb(block.torgb, x, w)
        rgb = own if rgb is None else filtered(rgb, block.f, (2, 1), up=2, gain=4).add_(own)
    assert rgb is not None
    return rgb


def conv(layer: Conv, x: Tensor, gain: float = 1.0) -> Tensor:
    weight = (layer.weight * layer.weight_gain).to(x.dtype)
    if layer.down:
        x = F.conv2d(filtered(x, layer.f, (layer.kernel // 2 + 1,) * 2), weight, stride=2)
    else:
        x = F.conv2d(x, weight, padding=layer.kernel // 2)
    if layer.bias is None:
        return x * gain
    return bias_act(x, layer.bias, activate=True, gain=gain, clamp=layer.conv_clamp)


def with_deviation(x: Tensor, group: int) -> Tensor:
    """Appends the minibatch standard deviation: image i is in the group of all that differ from it by n / group."""
    n = len(x)
    y = torch.zeros_like(x[:, :1])
    for first in range(n // group):
        members = x[first :: n // group]
        variance = (members - members.mean(dim=0)).square().mean(dim=0)
        y[first :: n // group] = (variance + 1e-8).sqrt().mean()
    return torch.cat([x, y], dim=1)


def discriminator(network: Discriminator, images: Image) -> Tensor:
    """Images [n, 3, R, R] -> logits [n]."""
    x = images
    for block in network.children():
        if isinstance(block, DiscriminatorBlock):
            x = x.to(block.precision or block.conv0.weight.dtype)
            if block.fromrgb is not None:
                x = conv(block.fromrgb, x)
            y = conv(block.skip, x, gain=math.sqrt(0.5))
            x = y + conv(block.conv1, conv(block.conv0, x), gain=math.sqrt(0.5))
    head = network.b4
    group = min(head.mbstd_group or len(x), len(x))
    x = conv(head.conv, with_deviation(x.to(head.conv.weight.dtype), group))
    return linear(head.out, linear(head.fc, x.flatten(1))).squeeze(1)
