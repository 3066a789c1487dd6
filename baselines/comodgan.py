"""CoModGAN (Zhao et al., "Large Scale Image Completion via Co-Modulated Generative Adversarial Networks", 2021).

An inpainting network of the domain: an encoder sees the known pixels, its maps are added to those of a StyleGAN2
generator, and its code modulates that generator together with the mapped z. It is identity-agnostic; fine-tuned on a
person it is ``comodgan_ft``. Masks have 1 where the pixel is known, as in the original code.

The domain's network, ``comodgan.safetensors``, is made by ``python -m baselines.common.pretrain comodgan``.
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
from torch import Tensor, nn

from baselines.common.conditional import ConditionalGame, GameNetwork, GameSettings, NetworkPrior, OfDomain
from mystyle.adversarial import mixed_codes
from mystyle.checkpoints import load_network
from mystyle.degradations import Inpainting
from mystyle.domains.domain import Domain
from mystyle.networks.styled import NoiseMode
from mystyle.networks.stylegan2 import (
    Conv,
    Discriminator,
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
from mystyle.types import Degradation, Image, Mask, Unsupported, WPlus

FAINT = 0.1  # the gain of a new encoder
KEEP = 0.5  # of the code's numbers, in training and afterwards: the original's dropout is never off


class CoModGenerator(nn.Module):
    """G(x m, m, z): channels and mapping as in ``Generator``, ``global_dim`` numbers in the encoder's code.

    The original's code has 2 C(4) numbers.
    """

    f: Tensor

    def __init__(
        self,
        resolution: int,
        z_dim: int,
        w_dim: int,
        channel_base: int,
        channel_max: int,
        mapping_layers: int,
        global_dim: int,
    ):
        super().__init__()
        self.config = dict(
            resolution=resolution,
            z_dim=z_dim,
            w_dim=w_dim,
            channel_base=channel_base,
            channel_max=channel_max,
            mapping_layers=mapping_layers,
            global_dim=global_dim,
        )
        self.resolution, self.z_dim, self.global_dim = resolution, z_dim, global_dim
        self.resolutions = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        self.num_ws = 2 * len(self.resolutions)
        self.mapping = MappingNetwork(z_dim, w_dim, self.num_ws, mapping_layers)
        c = {r: channels(r, channel_base, channel_max) for r in self.resolutions}
        style = w_dim + global_dim
        above = [r for r in self.resolutions if r > 4]
        self.fromrgb = Conv(4, c[resolution], 1)
        self.same = nn.ModuleDict({str(r): Conv(c[r], c[r], 3) for r in self.resolutions})
        self.down = nn.ModuleDict({str(r): Conv(c[r], c[r // 2], 3, down=True) for r in above})
        self.code = Linear(c[4] * 16, global_dim, activate=True)
        self.start = Linear(global_dim, c[4] * 16, activate=True)
        self.up = nn.ModuleDict({str(r): StyledConv(c[r // 2], c[r], style, r, up=True) for r in above})
        self.conv = nn.ModuleDict({str(r): StyledConv(c[r], c[r], style, r, up=False) for r in self.resolutions})
        self.torgb = nn.ModuleDict({str(r): ToRGB(c[r], style) for r in self.resolutions})
        self.register_buffer("f", fir_kernel(), persistent=False)

    def encode(self, images: Image, mask: Mask) -> tuple[dict[str, Tensor], Tensor]:
        """E(m - 1/2, x m): the maps F_r by resolution, and the code before dropout [n, global_dim]."""
        x = self.fromrgb(inner_channels(torch.cat([mask - 0.5, images * mask], dim=1)))
        maps = {}
        for r in reversed(self.resolutions):
            maps[str(r)] = x = self.same[str(r)](x)
            if r > 4:
                x = self.down[str(r)](x)
        return maps, self.code(x.flatten(1))

    def forward(self, images: Image, mask: Mask, ws: WPlus, keep: Tensor, noise: NoiseMode = "const") -> Image:
        """The image with its hole filled, known pixels as they are.

        ``images`` [n, 3, R, R] may hold anything in the hole; ``mask`` [n, 1, R, R]; ``ws`` [n, num_ws, w_dim] of
        ``mapping``; ``keep`` [n, global_dim] of zeros and ones is the dropout.
        """
        maps, code = self.encode(images, mask)
        code = code * keep / KEEP

        def style(layer: int) -> Tensor:
            """Co-modulation: w beside the encoder's code."""
            return torch.cat([ws[:, layer], code], dim=1)

        x = inner_channels(self.start(code).unflatten(1, (-1, 4, 4))) + maps["4"]
        x = self.conv["4"](x, style(0), noise)
        rgb = self.torgb["4"](x, style(1))
        for layer, r in enumerate(map(str, self.resolutions[1:])):
            x = self.up[r](x, style(2 * layer + 1), noise) + maps[r]
            x = self.conv[r](x, style(2 * layer + 2), noise)
            rgb = upsample_rgb(rgb, self.f) + self.torgb[r](x, style(2 * layer + 3))
        return rgb * (1 - mask) + images * mask


def grown(generator: Generator, global_dim: int) -> CoModGenerator:
    """A new network whose decoder and mapping are those of ``generator``; its encoder is random, and faint at first.

    The affine layers start with the styles of the mean code, whatever w and the encoder's code are: z would else decide
    what the known pixels should. The constant gives way to a layer on the code.
    """
    names = ("resolution", "z_dim", "w_dim", "channel_base", "channel_max", "mapping_layers")
    config: dict[str, Any] = generator.config
    network = CoModGenerator(**{name: config[name] for name in names}, global_dim=global_dim)
    network.mapping.load_state_dict(generator.mapping.state_dict())
    for r in map(str, network.resolutions):
        block: Any = generator.synthesis.get_submodule(f"b{r}")
        pairs: list[tuple[Any, Any]] = [(network.conv[r], block.conv1), (network.torgb[r], block.torgb)]
        for new, old in pairs + ([(network.up[r], block.conv0)] if r in network.up else []):
            state = old.state_dict()
            state["affine.bias"] = old.affine(generator.mapping.w_avg[None])[0]
            state["affine.weight"] = torch.zeros_like(new.affine.weight)
            new.load_state_dict(state)
    with torch.no_grad():
        network.fromrgb.weight.mul_(FAINT)  # and with it every map, for the layers above have no bias yet
    return network


def with_mask(discriminator: Discriminator) -> Discriminator:
    """A copy that takes [m - 1/2, x] in place of x and, at first, does not see the mask."""
    network = copy.deepcopy(discriminator)
    first: Any = network.get_submodule(f"b{network.resolution}")
    old = first.fromrgb
    first.fromrgb = Conv(4, old.weight.shape[0], 1, conv_clamp=old.conv_clamp).to(old.weight.device)
    weight = old.weight * math.sqrt(4 / 3)  # the layer divides by the root of its fan-in
    first.fromrgb.load_state_dict(
        {"weight": torch.cat([torch.zeros_like(weight[:, :1]), weight], dim=1), "bias": old.bias}
    )
    return network


def draw_mask(rng: np.random.Generator, size: int) -> Mask:
    """The original's training masks [1, 1, size, size]: rectangles small and large, and brush strokes.

    Strokes are 12 to 48 of 512 pixels wide, here in proportion to ``size``. Never empty, never full.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    while True:
        canvas = Pillow.new("L", (size, size), 1)
        draw = ImageDraw.Draw(canvas)
        for most, largest in ((10, size // 2), (5, size)):
            for _ in range(rng.integers(most)):
                w, h = rng.integers(largest, size=2) + 1
                x, y = rng.integers(-(w // 2), size - w + w // 2), rng.integers(-(h // 2), size - h + h // 2)
                draw.rectangle((int(x), int(y), int(x + w - 1), int(y + h - 1)), fill=0)
        for _ in range(rng.integers(20)):
            _stroke(draw, rng, size)
        known = np.asarray(canvas)
        if 0 < known.mean() < 1:
            flips = tuple(axis for axis in (0, 1) if rng.random() < 0.5)
            return torch.from_numpy(np.flip(known, flips).astype(np.float32))[None, None]


def _stroke(draw: Any, rng: np.random.Generator, size: int) -> None:
    """A zigzag of 4 to 17 vertices that turns by 2 pi / 5, more or less."""
    mean, spread = 2 * math.pi / 5, 2 * math.pi / 15
    low, high = mean - rng.uniform(0, spread), mean + rng.uniform(0, spread)
    length = math.sqrt(2) * size / 8
    width = max(1, round(rng.uniform(12, 48) * size / 512))
    points = [rng.uniform(0, size, size=2)]
    for i in range(rng.integers(4, 18) - 1):
        turn = rng.uniform(low, high)
        angle = 2 * math.pi - turn if i % 2 == 0 else turn
        step = np.clip(rng.normal(length, length // 2), 0, 2 * length)
        points.append(np.clip(points[-1] + step * np.array([math.cos(angle), math.sin(angle)]), 0, size))
    draw.line([tuple(map(float, p)) for p in points], fill=0, width=width)
    for x, y in points:
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=0)


class CoModGame(ConditionalGame):
    """Images with holes; the discriminator sees where they are."""

    generator: CoModGenerator

    def condition(self, real: Image, rng: np.random.Generator) -> Mask:
        return torch.cat([draw_mask(rng, real.shape[-1]) for _ in real]).to(real)

    def restored(self, real: Image, mask: Mask) -> Image:
        """G at fresh codes, with random noise."""
        z = torch.randn(len(real), self.generator.z_dim, device=self.device)
        keep = (torch.rand(len(real), self.generator.global_dim, device=self.device) < KEEP).float()
        ws = mixed_codes(self.generator, z, self.settings.style_mixing)
        return self.generator(real, mask, ws, keep, noise="random")

    def judge(self, images: Image, mask: Mask) -> Tensor:
        """D(m - 1/2, x)."""
        return self.discriminator(torch.cat([mask - 0.5, images], dim=1))

    def content(self, fake: Image, real: Image, mask: Mask) -> Tensor:
        """The original has none. L1 over the hole, however small it is, and the perceptual distance."""
        if not self.settings.content_weight:
            return fake.new_zeros([])
        hole = (1 - mask).mean(dim=(1, 2, 3)).clamp(min=0.05)  # a hole of few pixels is not worth more
        l1 = ((fake - real).abs().mean(dim=(1, 2, 3)) / hole).mean()
        return self.settings.content_weight * (l1 + self.perceptual_distance(fake, real))


@dataclass(frozen=True)
class CoModPrior(NetworkPrior):
    generator: CoModGenerator

    @torch.no_grad()
    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The filled images; z and dropout of row i come from ``seeds[i]``. Raises Unsupported for no hole."""
        if not isinstance(degradation, Inpainting):
            raise Unsupported("CoModGAN fills holes and was trained for nothing else")
        g = self.generator
        where = next(g.parameters()).device
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        z = torch.stack([torch.randn(g.z_dim, generator=draw) for draw in draws]).to(where)
        keep = torch.stack([(torch.rand(g.global_dim, generator=draw) < KEEP).float() for draw in draws]).to(where)
        mask = degradation.mask.to(where)
        parts = zip(*(x.split(16) for x in (degraded.to(where), mask, g.mapping(z), keep)), strict=True)
        return torch.cat([g(*part) for part in parts]).to(degraded)


def untrained(domain: Domain) -> CoModGenerator:
    """What the training of the domain's network starts from; the code has C(4) numbers, for a small file."""
    generator = require_stylegan2(domain.generator)
    return grown(generator, global_dim=len(generator.synthesis.get_parameter("b4.conv1.weight")))


def game(network: nn.Module, domain: Domain, settings: GameSettings, seed: int) -> CoModGame:
    """The training of ``network`` against the domain's discriminator."""
    return CoModGame(network, with_mask(domain.needed("discriminator")), domain.perceptual, settings, seed)


METHOD = OfDomain(
    "comodgan",
    "CoModGAN",
    ("inpaint",),
    GameNetwork(
        "comodgan.safetensors",
        "python -m baselines.common.pretrain comodgan data/population",
        untrained,
        partial(load_network, CoModGenerator),
        game,
    ),
    CoModPrior,
)
