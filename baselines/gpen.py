"""GPEN (Yang et al., "GAN Prior Embedded Network for Blind Face Restoration in the Wild", 2021).

A restoration network of the domain: an encoder of the enlarged input gives z, and its maps take the place of the noise
in a StyleGAN2 generator, where they are not added but set beside the activations. It is identity-agnostic;
fine-tuned on a person it is ``gpen_ft``.

The domain's network, ``gpen.safetensors``, is made by ``python -m baselines.common.pretrain gpen``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.common.conditional import ConditionalGame, GameNetwork, GameSettings, NetworkPrior, OfDomain
from mystyle.checkpoints import load_network
from mystyle.degradations import Blur, Downsampling, Jpeg
from mystyle.domains.domain import Domain
from mystyle.networks.stylegan2 import (
    LRELU_GAIN,
    LRELU_SLOPE,
    Conv,
    Generator,
    Linear,
    MappingNetwork,
    StyledConv,
    ToRGB,
    channels,
    fir_kernel,
    inner_channels,
    require_stylegan2,
    upsample_rgb,
)
from mystyle.types import Degradation, Image, Unsupported, W

CONTENT, MATCHING = 1.0, 0.02  # alpha and beta of the paper's loss: L1, and distances of D's activations


class ConcatConv(StyledConv):
    """A modulated convolution of n_in to n_out channels whose noise is a map of n_out channels set beside them."""

    def __init__(self, n_in: int, n_out: int, w_dim: int, resolution: int, *, up: bool):
        super().__init__(n_in, n_out, w_dim, resolution, up=up)
        self.bias = nn.Parameter(torch.zeros(2 * n_out))
        del self.noise_const

    def forward(self, x: Tensor, w: W, beside: Tensor) -> Tensor:  # type: ignore[override]
        """[n, n_in, h, h], [n, w_dim] and [n, n_out, r, r] -> [n, 2 n_out, r, r]."""
        weight, s, d = self.modulation(w, x.dtype)
        y = self.convolve(x * s[:, :, None, None], weight) * d[:, :, None, None]
        y = torch.cat([y, beside * (self.noise_strength * LRELU_GAIN)], dim=1)
        return F.leaky_relu_(y.add_((self.bias * LRELU_GAIN)[:, None, None]), LRELU_SLOPE)


class GpenGenerator(nn.Module):
    """Degraded images at full size to images; arguments as in ``Generator``."""

    f: Tensor

    def __init__(
        self, resolution: int, z_dim: int, w_dim: int, channel_base: int, channel_max: int, mapping_layers: int
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
        self.resolution = resolution
        self.resolutions = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        c = {r: channels(r, channel_base, channel_max) for r in self.resolutions}
        above = self.resolutions[1:]
        self.first = Conv(3, c[resolution], 1)
        self.down = nn.ModuleDict({str(r): Conv(c[r], c[r // 2], 3, down=True) for r in above})
        self.last = Linear(c[4] * 16, z_dim, activate=True)
        self.mapping = MappingNetwork(z_dim, w_dim, 1, mapping_layers)
        self.const = nn.Parameter(torch.randn(c[4], 4, 4))
        self.up = nn.ModuleDict({str(r): ConcatConv(2 * c[r // 2], c[r], w_dim, r, up=True) for r in above})
        inputs = {r: 2 * c[r] if r > 4 else c[4] for r in self.resolutions}
        self.conv = nn.ModuleDict({str(r): ConcatConv(inputs[r], c[r], w_dim, r, up=False) for r in self.resolutions})
        self.torgb = nn.ModuleDict({str(r): ToRGB(2 * c[r], w_dim) for r in self.resolutions})
        self.register_buffer("f", fir_kernel(), persistent=False)

    def encode(self, images: Image) -> tuple[dict[str, Tensor], W]:
        """The encoder's maps by resolution, and w."""
        x = self.first(inner_channels(images))
        maps = {str(self.resolution): x}
        for r in reversed(self.resolutions[1:]):
            maps[str(r // 2)] = x = self.down[str(r)](x)
        return maps, self.mapping.w(self.last(x.flatten(1)))

    def forward(self, images: Image) -> Image:
        """[n, 3, R, R] -> [n, 3, R, R]."""
        maps, w = self.encode(images)
        x = inner_channels(self.const.expand(len(images), -1, -1, -1))
        x = self.conv["4"](x, w, maps["4"])
        rgb = self.torgb["4"](x, w)
        for r in map(str, self.resolutions[1:]):
            x = self.up[r](x, w, maps[r])
            x = self.conv[r](x, w, maps[r])
            rgb = upsample_rgb(rgb, self.f) + self.torgb[r](x, w)
        return rgb


def embedded(generator: Generator) -> GpenGenerator:
    """A new network whose decoder is ``generator`` without noise: the encoder's maps reach it with zero weights.

    Their own strength starts at one and not at the original's zero, or no gradient would ever find them.
    """
    names = ("resolution", "z_dim", "w_dim", "channel_base", "channel_max", "mapping_layers")
    config: dict[str, Any] = generator.config
    network = GpenGenerator(**{name: config[name] for name in names})
    network.mapping.load_state_dict(generator.mapping.state_dict())
    with torch.no_grad():
        network.const.copy_(generator.synthesis.get_parameter("b4.const"))
        for r in map(str, network.resolutions):
            block: Any = generator.synthesis.get_submodule(f"b{r}")
            pairs = [(network.conv[r], block.conv1), (network.torgb[r], block.torgb)]
            for new, old in pairs + ([(network.up[r], block.conv0)] if r in network.up else []):
                state, wanted = old.state_dict(), new.state_dict()
                n_in = wanted["weight"].shape[1]
                rgb = isinstance(new, ToRGB)  # its style is divided by the root of the fan-in, the others' is not
                weight = state["weight"] * (math.sqrt(n_in / old.weight.shape[1]) if rgb else 1.0)
                wanted["weight"] = padded(weight, 1, n_in, 0.0)
                wanted["affine.weight"] = padded(state["affine.weight"], 0, n_in, 0.0)
                wanted["affine.bias"] = padded(state["affine.bias"], 0, n_in, 1.0)
                wanted["bias"] = padded(state["bias"], 0, len(wanted["bias"]), 0.0)
                if not rgb:
                    wanted["noise_strength"] = torch.ones([])
                new.load_state_dict(wanted)
    return network


def padded(x: Tensor, dim: int, size: int, value: float) -> Tensor:
    """``x`` with ``value`` behind it in ``dim`` up to ``size``."""
    shape = list(x.shape)
    shape[dim] = size - shape[dim]
    return torch.cat([x, x.new_full(shape, value)], dim=dim)


def enlarged(degraded: Image, size: int) -> Image:
    """Bilinear, as GPEN enlarges its inputs."""
    return F.interpolate(degraded, (size, size), mode="bilinear", align_corners=False)


def degrade(photo: Image, rng: np.random.Generator) -> Image:
    """One photo [1, 3, R, R] made small and enlarged again, clean as in MyStyle's task or also blurred and compressed.

    Half of the photos are clean: means over areas of 4 to 32 pixels. The others follow the paper's model, its ranges
    cut to what a photo of 128 px survives: a blur, a factor of 2 to 16, noise, JPEG.
    """
    size = photo.shape[-1]
    if rng.random() < 0.5:
        factors = [factor for factor in (4, 8, 16, 32) if size // factor >= 4]
        return enlarged(Downsampling(factors[rng.integers(len(factors))])(photo), size)
    x = Blur(rng.uniform(0.2, 3.0) * size / 128)(photo)
    x = Downsampling(rng.uniform(2, min(16, size / 4)))(x)
    x = x + rng.uniform(0, 25 / 127.5) * torch.from_numpy(rng.normal(size=x.shape)).to(x)
    return Jpeg(int(rng.integers(20, 96)))(enlarged(x, size).clamp(-1, 1))


class GpenGame(ConditionalGame):
    """Small and degraded images; the discriminator sees the results alone."""

    def condition(self, real: Image, rng: np.random.Generator) -> Image:
        return torch.cat([degrade(photo, rng) for photo in real.split(1)])

    def restored(self, real: Image, degraded: Image) -> Image:
        return self.generator(degraded)

    def judge(self, images: Image, degraded: Image) -> Tensor:
        return self.discriminator(images)

    def content(self, fake: Image, real: Image, degraded: Image) -> Tensor:
        """alpha L_C + beta L_F of the paper, and the perceptual distance where ``content_weight`` asks for it."""
        with torch.no_grad():
            wanted = self.activations(real)
        found = self.activations(fake)
        matching = sum((a - b).square().mean() for a, b in zip(found, wanted, strict=True))
        loss = CONTENT * (fake - real).abs().mean() + MATCHING * matching
        weight = self.settings.content_weight
        return loss + weight * self.perceptual_distance(fake, real) if weight else loss

    def activations(self, images: Image) -> list[Tensor]:
        """What the blocks of the discriminator give."""
        found = [images]
        for r in self.discriminator.resolutions:
            found.append(self.discriminator.get_submodule(f"b{r}")(found[-1]))
        return found[1:]


@dataclass(frozen=True)
class GpenPrior(NetworkPrior):
    generator: GpenGenerator

    @torch.no_grad()
    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The restored images. Nothing is random. Raises Unsupported unless the input is a small image."""
        size = self.generator.resolution
        if degraded.shape[-1] >= size:
            raise Unsupported("GPEN enlarges small images and was trained for nothing else")
        where = self.generator.const.device
        parts = enlarged(degraded.to(where), size).split(16)
        return torch.cat([self.generator(part) for part in parts]).to(degraded)


def untrained(domain: Domain) -> GpenGenerator:
    """What the training of the domain's network starts from."""
    return embedded(require_stylegan2(domain.generator))


def game(network: nn.Module, domain: Domain, settings: GameSettings, seed: int) -> GpenGame:
    """The training of ``network`` against the domain's discriminator."""
    return GpenGame(network, copy.deepcopy(domain.needed("discriminator")), domain.perceptual, settings, seed)


METHOD = OfDomain(
    "gpen",
    "GPEN",
    ("upscale",),
    GameNetwork(
        "gpen.safetensors",
        "python -m baselines.common.pretrain gpen data/population",
        untrained,
        partial(load_network, GpenGenerator),
        game,
    ),
    GpenPrior,
)
