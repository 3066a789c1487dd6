"""DiffAugment (Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020) as a personal prior.

The domain's generator and discriminator are fine-tuned, adversarially, on the person's photos; the discriminator sees
real and generated images only after the same random, differentiable augmentation. Following MyStyle, the result is
sampled with truncation 0.7 and used as a prior by a projection that stops early, after 200 steps (B.2). The paper does
not name the space of that projection, but says that projections inherit StyleGAN2's projector: so W, from the mean code
(to which truncation contracts), with the projector's schedule fitted into those 200 steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from baselines.common.few_shot import FewShotGame, FewShotMethod, train_generator
from baselines.common.latent_prior import EARLY_STOPPED
from baselines.common.snapshots import BestSnapshot
from mystyle.adversarial import lazy_adam, logistic_d, logistic_g, mixed_codes, r1_penalty, update_average
from mystyle.domains.domain import Domain
from mystyle.networks.stylegan2 import Discriminator
from mystyle.precision import InPrecision
from mystyle.projection import LatentProjectionSettings
from mystyle.roles import Generator
from mystyle.types import LENGTH, Image

# The augmentation T. Each operator takes images x [n, c, h, w] and two numbers per image u [n, 2], uniform in [0, 1).
# Zero fill is mid-grey on the [-1, 1] scale; nothing is clamped.


def brightness(x: Image, u: Tensor) -> Image:
    """x + b, b ~ U[-0.5, 0.5)."""
    return x + (u[:, 0] - 0.5)[:, None, None, None]


def saturation(x: Image, u: Tensor) -> Image:
    """Distances from the pixel's grey (mean over channels) times s ~ U[0, 2)."""
    grey = x.mean(dim=1, keepdim=True)
    return (x - grey) * (2 * u[:, 0])[:, None, None, None] + grey


def contrast(x: Image, u: Tensor) -> Image:
    """Distances from the image's mean times c ~ U[0.5, 1.5)."""
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - mean) * (u[:, 0] + 0.5)[:, None, None, None] + mean


def translation(x: Image, u: Tensor, ratio: float = 0.125) -> Image:
    """Shift by whole pixels (dy, dx) ~ uniform in [-r, r], r = floor(ratio * size + 0.5); zeros come in."""
    for dim in (2, 3):
        size = x.shape[dim]
        r = int(ratio * size + 0.5)
        shift = (u[:, dim - 2] * (2 * r + 1)).long() - r
        source = torch.arange(size, device=x.device) - shift[:, None]  # [n, size]
        inside = (source >= 0) & (source < size)
        shape = (len(x), 1, size, 1) if dim == 2 else (len(x), 1, 1, size)
        x = x.gather(dim, source.clamp(0, size - 1).view(shape).expand_as(x)) * inside.view(shape)
    return x


def cutout(x: Image, u: Tensor, ratio: float = 0.5) -> Image:
    """A square of side c = floor(ratio * size + 0.5) set to zero, centre o ~ uniform in [0, size - (c mod 2)] per axis.

    It covers o - c // 2 ... o - c // 2 + c - 1 as far as that lies inside, so the visible hole can be smaller.
    """
    covered = []
    for dim in (2, 3):
        size = x.shape[dim]
        c = int(ratio * size + 0.5)
        start = (u[:, dim - 2] * (size + 1 - c % 2)).long() - c // 2
        offset = torch.arange(size, device=x.device) - start[:, None]
        covered.append((offset >= 0) & (offset < c))
    hole = covered[0][:, None, :, None] & covered[1][:, None, None, :]
    return x * ~hole


OPERATORS: dict[str, tuple[Callable[[Image, Tensor], Image], ...]] = {
    "color": (brightness, saturation, contrast),
    "translation": (translation,),
    "cutout": (cutout,),
}


def augment(x: Image, policy: str = "color,translation,cutout", generator: torch.Generator | None = None) -> Image:
    """T(x): the operators of ``policy`` from left to right, each with a draw of its own per image.

    ``x`` [n, 3, h, w] in [-1, 1], differentiable; the result may leave [-1, 1]. Draws come from ``generator`` on its
    device, or from torch's global one. Raises ValueError for an unknown policy.
    """
    names = [name for name in policy.split(",") if name]
    if unknown := [name for name in names if name not in OPERATORS]:
        raise ValueError(f"unknown augmentation {', '.join(unknown)!r}; there is: {', '.join(OPERATORS)}")
    for operator in (operator for name in names for operator in OPERATORS[name]):
        u = torch.rand(len(x), 2, generator=generator, device=generator.device if generator else x.device)
        x = operator(x, u.to(x))
    return x


@dataclass(frozen=True)
class FitSettings(InPrecision):
    """Adversarial training. The defaults are the original (TensorFlow) few-shot recipe: R1 at every step and no
    path-length regularisation; the PyTorch port's lazy R1 is ``r1_interval=16``."""

    images: int = field(default=300_000, metadata=LENGTH)
    """real photos shown in all, repetitions counted"""
    batch: int = 16
    generator_rate: float = 2e-3
    """of Adam (0, 0.99)"""
    discriminator_rate: float = 2e-3
    """of Adam (0, 0.99)"""
    r1_gamma: float = 10.0
    """D's loss has (gamma / 2) ||grad_x D(T(x))||^2"""
    r1_interval: int = 1
    """R1 is computed every so many steps and weighted by as much; D's Adam is corrected by k / (k + 1)"""
    ema_half_life: float = field(default=10_000, metadata=LENGTH)
    """of the averaged generator's weights, in images"""
    style_mixing: float = 0.9
    """probability that a batch's later layers get the codes of other z"""
    policy: str = "color,translation,cutout"
    snapshots: int = 10
    """how many moments of the training, equally spaced and the last one included, are compared (``BestSnapshot``)"""
    truncation: float = 0.7
    """psi of samples, and so of those by which moments are compared"""

    @property
    def steps(self) -> int:
        return max(1, self.images // self.batch)


class FewShotGAN(FewShotGame):
    """Continues the training of G and D, all their weights, on batches of photos [n, 3, R, R]."""

    stage = "adversarial training"

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        settings: FitSettings,
        snapshot: BestSnapshot | None = None,
    ):
        super().__init__()
        self.settings, self.snapshot = settings, snapshot
        self.generator = copy.deepcopy(generator).requires_grad_(True)
        self.discriminator = copy.deepcopy(discriminator).requires_grad_(True)
        self.ema = copy.deepcopy(generator).requires_grad_(False)

    @property
    def networks(self) -> tuple[Generator | Discriminator, ...]:
        return self.generator, self.ema, self.discriminator

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        s = self.settings
        g, d = self.generator.parameters(), self.discriminator.parameters()
        adam = partial(torch.optim.Adam, betas=(0.0, 0.99))
        lazy = s.r1_interval > 1
        return [
            adam(g, lr=s.generator_rate),
            lazy_adam(d, s.discriminator_rate, s.r1_interval) if lazy else adam(d, lr=s.discriminator_rate),
        ]

    def training_step(self, batch: tuple[Image], step: int) -> None:
        s = self.settings
        (real,) = batch
        optimizer_g, optimizer_d = self.optimizer_list()

        self.discriminator.requires_grad_(False)
        self.descend(optimizer_g, logistic_g(self._judge(self._generate(len(real)))), step)
        self.discriminator.requires_grad_(True)

        with torch.no_grad():
            fake = self._generate(len(real))
        loss = logistic_d(self._judge(real), self._judge(fake))
        if step % s.r1_interval == 0:  # D o T, hence the gradient with respect to the photos before augmentation
            loss = loss + s.r1_interval * s.r1_gamma / 2 * r1_penalty(self._judge, real)
        self.descend(optimizer_d, loss, step)

        update_average(self.ema, self.generator, 0.5 ** (len(real) / s.ema_half_life))
        if self.snapshot:
            self.snapshot.watch(self.ema, step, s.steps, s.snapshots)

    def _generate(self, n: int) -> Image:
        z = torch.randn(n, self.generator.z_dim, device=self.device)
        return self.generator.synthesis(mixed_codes(self.generator, z, self.settings.style_mixing), noise="random")

    def _judge(self, images: Image) -> Tensor:
        """D(T(images)), with a fresh T."""
        return self.discriminator(augment(images, self.settings.policy))


def train_few_shot(domain: Domain, photos: Image, settings: FitSettings, *, seed: int) -> Generator:
    """The best averaged generator of a training on ``photos`` [N, 3, R, R], frozen; ``seed`` decides every draw."""
    return train_generator(FewShotGAN, domain, photos, settings, seed=seed)


@dataclass(frozen=True)
class Settings:
    fit: FitSettings = field(default_factory=FitSettings)
    """decides the trained generator"""
    restore: LatentProjectionSettings = EARLY_STOPPED
    """decides projections into it; 200 steps are the paper's (B.2)"""


# Rates and R1 were chosen on d01: at the published ones the discriminator of small networks stays at chance (card)
OURS = FitSettings(generator_rate=2e-4, discriminator_rate=4e-3, r1_gamma=1.0, r1_interval=16, batch=8)
# 960 images cost a CPU core two minutes at 128 pixels; the half-life keeps the average within that length
QUICK = Settings(replace(OURS, images=960, ema_half_life=96))


class DiffAugment(FewShotMethod):
    name = "diffaugment"
    version = 4
    title = "DiffAugment"
    presets: Mapping[str, Settings] = {
        "smoke": Settings(replace(QUICK.fit, images=32), replace(QUICK.restore, steps=10)),
        "quick": QUICK,
        "full": Settings(replace(OURS, images=50_000, ema_half_life=2_000)),
        "paper": Settings(),
    }

    def train(self, domain: Domain, photos: Image, settings: FitSettings, seed: int) -> Generator:
        return train_few_shot(domain, photos, settings, seed=seed)


METHOD = DiffAugment()
