"""RGB layers for smaller images of a MobileStyleGAN, fitted to its large images reduced by averaging boxes of pixels.

A layer makes the wavelet coefficients y of the smaller image from features f of half its size, pixel by pixel:
y = W (s * f) + b with the style s = A w + a. The squared error of a sample depends on its features through their second
moments with a constant 1 appended, E f f^T, E f y^T and E y^2, alone. They are computed once for every sample, and Adam
on W, b, A and a never sees a feature again. The Haar transform is orthonormal, so that the error of the coefficients
is that of the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mystyle.checkpoints import load_network, save_network
from mystyle.digests import fingerprint
from mystyle.files import write_whole
from mystyle.networks.mobilestylegan import MobileGenerator, ToRGB, by_pixel, to_bands
from mystyle.networks.rgb_heads import RGBHeads
from mystyle.pretrain.settings import HeadSettings
from mystyle.progress import report
from mystyle.types import W

SHARD = 25  # samples of a file


@dataclass(frozen=True)
class Moments:
    """Second moments of n samples, means over their pixels."""

    w: W
    features: Tensor
    """f f^T: [n, c + 1, c + 1]"""
    cross: Tensor
    """f y^T: [n, c + 1, 12]"""
    power: Tensor
    """|y|^2: [n]"""

    def __len__(self) -> int:
        return len(self.w)

    def __getitem__(self, rows: slice | Tensor) -> Moments:
        return Moments(self.w[rows], self.features[rows], self.cross[rows], self.power[rows])

    def error(self, maps: Tensor) -> Tensor:
        """Mean squared error of y = maps^T f by sample, [n], of maps [n or 1, c + 1, 12]."""
        explained = (maps * (2 * self.cross - self.features @ maps)).sum(dim=(1, 2))
        return (self.power - explained) / self.cross.shape[2]


def joined(parts: Sequence[Moments]) -> Moments:
    return Moments(**{name: torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])})


@torch.no_grad()
def measure(generator: MobileGenerator, sizes: Sequence[int], z: Tensor) -> dict[int, Moments]:
    """The moments of the samples of ``z`` [n, z_dim] for images of each of ``sizes``."""
    rows: dict[int, list[Moments]] = {size: [] for size in sizes}
    for each in z.split(1):
        w = generator.mapping.w(each)
        features: dict[int, Tensor] = {}
        taps = {size // 2: partial(features.setdefault, size) for size in sizes}
        image = generator.synthesis(w[:, None].expand(-1, generator.num_ws, -1), taps=taps)
        for size in sizes:
            small = F.avg_pool2d(image, generator.resolution // size)
            rows[size].append(moments(w, features[size], to_bands(small) / 2))
    return {size: joined(found) for size, found in rows.items()}


def read_moments(generator: MobileGenerator, work: Path, settings: HeadSettings, seed: int) -> dict[int, Moments]:
    """Those of all samples by size; what is not in the folder ``work`` yet is measured first, and kept there."""
    shards: dict[int, list[Moments]] = {size: [] for size in settings.sizes}
    count = math.ceil(settings.samples / SHARD)
    of = fingerprint(generator)
    for i in range(count):
        paths = {size: work / f"moments-{of}-{seed}-{i:03d}-{size}.safetensors" for size in settings.sizes}
        if not all(path.is_file() for path in paths.values()):
            draws = torch.Generator().manual_seed(1_000_003 * seed + i)
            found = measure(generator, settings.sizes, torch.randn(SHARD, generator.z_dim, generator=draws))
            for size, path in paths.items():
                write_whole(path, partial(save_file, vars(found[size])))
        for size, path in paths.items():
            shards[size].append(Moments(**load_file(path)))
        report("measuring samples", (i + 1) * SHARD, count * SHARD)
    return {size: joined(found)[: settings.samples] for size, found in shards.items()}


def moments(w: W, features: Tensor, bands: Tensor) -> Moments:
    """Of features [1, c, r, r] and coefficients [1, 12, r, r]."""
    f = by_pixel(F.pad(features, (0, 0, 0, 0, 0, 1), value=1.0))
    y = by_pixel(bands)
    pixels = f.shape[1]
    return Moments(w, f.mT @ f / pixels, f.mT @ y / pixels, y.square().sum(dim=(1, 2)) / pixels)


class Fit(nn.Module):
    """W, b, A and a in units of the features and codes of ``m``, from the best layer without a style."""

    def __init__(self, m: Moments):
        super().__init__()
        self.centre = m.w.mean(dim=0)
        self.spread = (m.w - self.centre).square().sum(dim=1).mean().sqrt()
        self.size = m.features.diagonal(dim1=1, dim2=2).mean(dim=0).sqrt().clamp(min=1e-12)[:, None]  # RMS of features
        gram, cross = (t.mean(dim=0).double() / self.size for t in (m.features, m.cross))
        gram = gram / self.size.T
        best = torch.linalg.solve(gram + 1e-6 * torch.eye(len(gram)), cross).float()
        self.maps = nn.Parameter(best)
        self.style_bias = nn.Parameter(torch.ones(len(best) - 1))
        self.style_weight = nn.Parameter(torch.zeros(len(best) - 1, m.w.shape[1]))

    def forward(self, w: W) -> Tensor:
        """Codes [n, w_dim] -> maps [n, c + 1, 12]; the constant has no style."""
        style = self.style_bias + ((w - self.centre) / self.spread) @ self.style_weight.T
        return F.pad(style, (0, 1), value=1.0)[:, :, None] * (self.maps / self.size)

    @torch.no_grad()
    def layer(self) -> ToRGB:
        """The same as a layer of the network."""
        c, w_dim = self.style_weight.shape
        layer = ToRGB(c, w_dim)
        maps, weight = self.maps / self.size, self.style_weight / self.spread
        layer.weight.assign(maps[:-1].T)
        layer.bias.assign(maps[-1])
        layer.affine.weight.assign(weight)
        layer.affine.bias.assign(self.style_bias - weight @ self.centre)
        return layer


def fit(m: Moments, settings: HeadSettings, seed: int) -> Fit:
    """Adam on the mean error of minibatches, plus ``decay`` times the mean squared share of codes in styles."""
    draws = torch.Generator().manual_seed(seed)
    found = Fit(m)
    adam = torch.optim.Adam(found.parameters(), settings.rate, betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, settings.rate, settings.steps, pct_start=0.1, cycle_momentum=False)
    for step in range(settings.steps):
        rows = torch.randint(len(m), (settings.batch,), generator=draws)
        batch = m[rows]
        error = batch.error(found(batch.w)).mean()
        loss = error + settings.decay * found.style_weight.square().sum(dim=1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        rate.step()
        report(f"fitting to {m.features.shape[1] - 1} features", step + 1, settings.steps, error.item())
    return found


def pretrain(generator_file: Path, out: Path, work: Path, settings: HeadSettings, seed: int) -> dict[str, float]:
    """Writes ``heads.safetensors`` to ``out`` in float16, returns the error by size on samples that were held out.

    ``work`` is for moments of this generator. Raises ValueError if it is no larger than an image that is asked for.
    """
    generator = load_network(MobileGenerator, generator_file)
    if small := [size for size in settings.sizes if not 16 <= size < generator.resolution or size & (size - 1)]:
        raise ValueError(f"sizes must be powers of two from 16 to below {generator.resolution} px, got {small}")
    if not 0 < settings.held_out < settings.samples:
        raise ValueError(f"held_out must be less than the {settings.samples} samples, got {settings.held_out}")
    work.mkdir(parents=True, exist_ok=True)
    measured = read_moments(generator, work, settings, seed)
    layers, errors = {}, {}
    for size, m in measured.items():
        kept = m[: settings.held_out]
        found = fit(m[settings.held_out :], settings, seed)
        with torch.no_grad():
            errors[str(size)] = kept.error(found(kept.w)).mean().item()
        layers[size] = found.layer()
    widths = {str(size): layer.weight.values.shape[1] for size, layer in layers.items()}
    heads = RGBHeads(generator.w_dim, widths, {size: round(error, 5) for size, error in errors.items()})
    for size, layer in layers.items():
        heads.head(size).load_state_dict(layer.state_dict())
    save_network(heads, out / "heads.safetensors", torch.float16)
    return {f"mse_{size}": error for size, error in errors.items()}
