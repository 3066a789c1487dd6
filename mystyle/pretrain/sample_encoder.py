"""A W encoder that has seen no photograph: the codes of a generator's own samples, regressed from their pictures.

Samples are rendered once and kept in shards. In training their pictures are disturbed as photographs are: alignment
that is a little off, other light and colours, blur of enlarged and of compressed pictures, noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from mystyle.checkpoints import load_generator, save_network
from mystyle.digests import fingerprint
from mystyle.files import write_whole
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.encoder import Encoder
from mystyle.precision import computing_in
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import SampleEncoderSettings
from mystyle.progress import report, showing
from mystyle.roles import Generator
from mystyle.types import Image, W, from_uint8, to_uint8

SHARD = 500  # samples of a file


@dataclass(frozen=True)
class Samples:
    """Codes [n, w_dim] and what the generator makes of them, uint8 [n, 3, size, size]."""

    w: W
    pictures: Tensor

    def __len__(self) -> int:
        return len(self.w)


@torch.no_grad()
def make_shard(generator: Generator, seed: int, size: int, least_truncation: float, batch: int = 8) -> Samples:
    """``SHARD`` samples; each has a truncation of its own, uniform from ``least_truncation`` to 1."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(SHARD, generator.z_dim, generator=draws)
    psi = torch.empty(SHARD, 1).uniform_(least_truncation, 1, generator=draws)
    mapping = generator.mapping
    w = mapping.w_avg + psi * (mapping.w(z) - mapping.w_avg)
    parts = []
    for codes in w.split(batch):
        images = generator.synthesis(codes[:, None].expand(-1, generator.num_ws, -1), noise="const")
        parts.append(to_uint8(F.interpolate(images, (size, size), mode="area")))
    return Samples(w, torch.cat(parts).contiguous())


def read_samples(generator: Generator, work: Path, settings: SampleEncoderSettings, size: int, seed: int) -> Samples:
    """All samples, those whose shards are not in ``work`` yet made first."""
    shards = []
    work.mkdir(parents=True, exist_ok=True)
    count = math.ceil(settings.samples / SHARD)
    of = f"{fingerprint(generator)}-{size}-{settings.least_truncation:g}"
    for i in range(count):
        path = work / f"samples-{of}-{seed}-{i:03d}.safetensors"
        if not path.is_file():
            made = make_shard(generator, 1_000_003 * seed + i, size, settings.least_truncation)
            content = {"w": made.w, "pictures": made.pictures}
            write_whole(path, lambda partial, content=content: save_file(content, partial))  # type: ignore[misc]
        shards.append(load_file(path))
        report("rendering samples", i + 1, count)
    return Samples(*(torch.cat([shard[name] for shard in shards]) for name in ("w", "pictures")))


def disturbed(x: Image, draws: torch.Generator | None = None) -> Image:
    """Images [n, 3, h, h] as photographs would show them, each disturbed by itself; the same face, the same code."""
    n, size = len(x), x.shape[-1]
    u = torch.rand(n, 12, generator=draws).to(x).mul(2).sub(1)  # [-1, 1)
    scale, angle = 1 + 0.04 * u[:, 0], math.radians(3) * u[:, 1]
    cos, sin, shift = scale * angle.cos(), scale * angle.sin(), 0.04 * u[:, 2:4]
    theta = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1).view(n, 2, 3)
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    smaller = int(size * (0.75 + 0.25 * float(u[0, 4])))  # of the batch: a picture enlarged from half its size or more
    x = F.interpolate(
        F.interpolate(x, (smaller, smaller), mode="bilinear", antialias=True), (size, size), mode="bicubic"
    )
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * (1 + 0.25 * u[:, 5, None, None, None]) + mean + 0.15 * u[:, 6, None, None, None]
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * (0.75 + 0.45 * u[:, 7, None, None, None]) + 0.08 * u[:, 8:11, None, None]
    noise = torch.randn(x.shape, generator=draws).to(x)
    return (x + 0.03 * (1 + u[:, 11, None, None, None]) * noise).clamp(-1, 1)


class SampleEncoderRecipe(Recipe):
    """Squared error of the codes, relative to the variance of W."""

    def __init__(self, samples: Samples, generator: Generator, settings: SampleEncoderSettings, seed: int):
        self.held_out = min(SHARD, len(samples) // 10)
        super().__init__(len(samples) - self.held_out, settings.batch, seed, settings.epochs)
        self.samples, self.settings = samples, settings
        self.network = Encoder(samples.pictures.shape[-1], generator.w_dim, settings.widths)
        self.network.to(memory_format=torch.channels_last)
        self.network.w_avg.copy_(generator.mapping.w_avg)
        self.variance = latent_statistics(generator).std ** 2

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.network.parameters(), lr=self.settings.rate, weight_decay=0.01)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.rate, batch_idx)
        rows = index.cpu() + self.held_out
        images = disturbed(from_uint8(self.samples.pictures[rows])).to(self.device)
        codes = self.network(images).float()
        loss: Tensor = (codes - self.samples.w[rows].to(codes)).square().sum(dim=1).mean() / self.variance
        self.log("code", loss, prog_bar=True)
        return loss


@torch.no_grad()
def evaluate(recipe: SampleEncoderRecipe) -> dict[str, float]:
    """On samples that were not trained on: the share of the variance of W that is explained, plain and disturbed."""
    network, rows = recipe.network.eval().cpu(), slice(0, recipe.held_out)
    w, images = recipe.samples.w[rows], from_uint8(recipe.samples.pictures[rows])
    spread = (w - w.mean(dim=0)).square().sum()

    def explained(x: Image) -> float:
        codes = torch.cat([network(part) for part in x.split(50)])
        return float(1 - (codes - w).square().sum() / spread)

    return {"r2": explained(images), "r2_disturbed": explained(disturbed(images, torch.Generator().manual_seed(0)))}


def pretrain(
    generator_file: Path, out: Path, work: Path, settings: SampleEncoderSettings, seed: int
) -> dict[str, float]:
    """Trains on samples of the generator; writes ``encoder.safetensors`` in float16 and returns ``evaluate``'s."""
    generator = load_generator(generator_file)
    half = settings.precision == "bf16-mixed"
    with showing(), computing_in("bfloat16" if half else "float32", generator):  # training has a bar of its own
        samples = read_samples(generator, work / "samples", settings, settings.size, seed)
    recipe = SampleEncoderRecipe(samples, generator, settings, seed)
    train(recipe, work / "encoder", settings.precision)
    figures = evaluate(recipe)
    save_network(recipe.network, out / "encoder.safetensors", torch.float16)
    return figures
