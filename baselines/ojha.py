"""Few-shot adaptation by cross-domain correspondence (Ojha et al., "Few-shot Image Generation via Cross-domain
Correspondence", 2021) as a personal generator: a baseline of MyStyle's Table 1.

The domain's generator is fine-tuned adversarially on the person's photos. Two things hold it back. Distances between
samples stay as they are in the source generator (distance consistency); and only codes near a few fixed anchors z must
look like whole photos, all others need only have their patches (relaxed realism).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.common.few_shot import FewShotGame, FewShotMethod, train_generator
from baselines.common.latent_prior import EARLY_STOPPED
from baselines.common.snapshots import BestSnapshot
from mystyle.adversarial import (
    lazy_adam,
    logistic_d,
    logistic_g,
    mixed_codes,
    path_penalty,
    r1_penalty,
    update_average,
)
from mystyle.domains.domain import Domain
from mystyle.networks.stylegan2 import Conv, Discriminator
from mystyle.precision import InPrecision
from mystyle.projection import LatentProjectionSettings
from mystyle.roles import Generator
from mystyle.types import LENGTH, Image, WPlus

PATCH_SIZES = (32, 16)  # px: maps of the discriminator that patches are judged on
PATCH_MAPS = 4  # of them there are at most


@dataclass(frozen=True)
class FitSettings(InPrecision):
    """The defaults are the released code's."""

    iterations: int = field(default=5000, metadata=LENGTH)
    batch: int = 4
    generator_rate: float = 2e-3
    """of Adam (0, 0.99), corrected for the lazy regulariser"""
    discriminator_rate: float = 2e-3
    """of Adam (0, 0.99), corrected for the lazy regulariser"""
    anchors: int = 10
    """z that are sampled once; they belong to no photo"""
    anchor_std: float = 0.1
    """of the normal distribution about an anchor"""
    anchor_every: int = 4
    """every so many iterations the fakes come from about the anchors and are judged as whole images"""
    patch_maps: int = 1
    """of the maps that patches can be judged on, the first so many are used, one at random each time"""
    consistency_weight: float = 1000.0
    """lambda of the distance consistency"""
    consistency_batch: int = 4
    r1_gamma: float = 10.0
    r1_every: int = 16
    path_weight: float = 2.0
    path_every: int = 4
    style_mixing: float = 0.9
    ema_half_life: float = field(default=312.5, metadata=LENGTH)
    """of the averaged generator's weights, in iterations: the decay is 0.5^(32 / 10000) whatever the batch"""
    snapshots: int = 5
    """how many moments of the training, equally spaced and the last one included, are compared (``BestSnapshot``)"""
    truncation: float = 1.0
    """psi of samples, and so of those by which moments are compared"""

    @property
    def steps(self) -> int:
        return self.iterations


def distance_consistency_loss(source_features: Tensor, target_features: Tensor) -> Tensor:
    """KL(p_i^s || p_i^t) / (B - 1) for each of B samples (Eq. 2 and 3), [B, ...] twice to [B].

    p_i is the softmax over j != i of the cosine similarities of activations i and j of one layer. The released code
    averages over all B (B - 1) terms, hence the division; the paper prints none.
    """
    p, q = (torch.log_softmax(_similarities(x.flatten(1)), dim=1) for x in (source_features, target_features))
    return (p.exp() * (p - q)).mean(dim=1)


def _similarities(x: Tensor) -> Tensor:
    """Cosines of all pairs of rows without those of a row with itself: [B, d] to [B, B - 1]."""
    x = F.normalize(x, dim=1)
    apart = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    return (x @ x.T)[apart].view(len(x), len(x) - 1)


def layer_activations(generator: Generator, ws: WPlus) -> list[Tensor]:
    """What every modulated convolution gives for the codes [n, num_ws, w_dim], coarse to fine, [n, c, h, w] each."""
    layers = generator.synthesis.styled_convolutions()
    found: list[list[Tensor]] = [[] for _ in layers]  # in pieces where large images are taken one by one
    hooks = [
        layer.register_forward_hook(lambda _, __, output, pieces=pieces: pieces.append(output))
        for layer, pieces in zip(layers, found, strict=True)
    ]
    try:
        generator.synthesis(ws, noise="random")
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(pieces) for pieces in found]


class PatchDiscriminator(nn.Module):
    """The domain's discriminator D_img, with heads on its inner maps for patches, D_patch (Eq. 4 and 5)."""

    def __init__(self, discriminator: Discriminator):
        super().__init__()
        self.image = copy.deepcopy(discriminator).requires_grad_(True)
        size = discriminator.resolution
        with torch.no_grad():
            maps = self.maps(torch.zeros(1, 3, size, size, device=next(discriminator.parameters()).device))
        self.heads = nn.ModuleList(Conv(x.shape[1], 1, 3) for x in maps)  # with a leaky ReLU, as the released code has

    def forward(self, images: Image) -> Tensor:
        """Logits of whole images, [n]."""
        return self.image(images)

    def patches(self, images: Image, which: int) -> Tensor:
        """Logits of the patches of map ``which``, [n, 1, h, w]."""
        return self.heads[which](self.maps(images, which + 1)[which])

    def maps(self, images: Image, count: int = PATCH_MAPS) -> list[Tensor]:
        """Up to ``count`` maps of ``PATCH_SIZES``, both convolutions of every block, fine to coarse."""
        found: list[Tensor] = []
        x = images
        for r in self.image.resolutions:
            *inner, x = self.image.get_submodule(f"b{r}").activations(x)  # type: ignore[operator]
            found += [y for y in inner if y.shape[-1] in PATCH_SIZES]
            if len(found) >= count:
                break
        return found[:count]


class Adaptation(FewShotGame):
    """Eq. 6: training of G and D on batches of photos [n, 3, R, R] beside the frozen source G."""

    stage = "few-shot adaptation"
    anchors: Tensor
    mean_path: Tensor

    def __init__(self, source: Generator, discriminator: Discriminator, settings: FitSettings, snapshot: BestSnapshot):
        super().__init__()
        self.settings, self.snapshot = settings, snapshot
        self._source = (source,)  # in a tuple: frozen, no part of the trained module
        self.generator = copy.deepcopy(source).requires_grad_(True)
        self.ema = copy.deepcopy(source).requires_grad_(False)
        self.discriminator = PatchDiscriminator(discriminator)
        self.register_buffer("anchors", torch.randn(settings.anchors, source.z_dim))
        self.register_buffer("mean_path", torch.zeros([]))

    @property
    def networks(self) -> tuple[Generator | Discriminator, ...]:
        return self.generator, self.ema, self.discriminator.image

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        s = self.settings
        return [
            lazy_adam(self.generator.parameters(), s.generator_rate, s.path_every),
            lazy_adam(self.discriminator.parameters(), s.discriminator_rate, s.r1_every),
        ]

    def training_step(self, batch: tuple[Image], i: int) -> None:
        s, d = self.settings, self.discriminator
        (real,) = batch
        optimizer_g, optimizer_d = self.optimizer_list()
        near_anchors = i % s.anchor_every == 0

        with torch.no_grad():
            fake = self.fakes(len(real), near_anchors)
        self.descend(optimizer_d, logistic_d(self.judge(real, near_anchors), self.judge(fake, near_anchors)), i)
        if i % s.r1_every == 0:  # a multiple of anchor_every, as in the released code: heads of patches are never met
            self.descend(optimizer_d, s.r1_gamma / 2 * r1_penalty(d, real) * s.r1_every, i)

        d.requires_grad_(False)
        adversarial = logistic_g(self.judge(self.fakes(len(real), near_anchors), near_anchors))
        self.descend(optimizer_g, adversarial + s.consistency_weight * self.consistency(), i)
        d.requires_grad_(True)
        if i % s.path_every == 0:
            self.descend(optimizer_g, s.path_weight * self.path_penalty(max(1, len(real) // 2)) * s.path_every, i)

        update_average(self.ema, self.generator, 0.5 ** (1 / s.ema_half_life))
        self.snapshot.watch(self.ema, i, s.iterations, s.snapshots)

    def fakes(self, n: int, near_anchors: bool) -> Image:
        """G at n codes, near randomly chosen anchors or anywhere, with styles mixed."""
        if near_anchors:
            centres = self.anchors[torch.randint(len(self.anchors), (n,), device=self.device)]
            ws = self.generator.mapping(centres + self.settings.anchor_std * torch.randn_like(centres))
        else:
            z = torch.randn(n, self.generator.z_dim, device=self.device)
            ws = mixed_codes(self.generator, z, self.settings.style_mixing)
        return self.generator.synthesis(ws, noise="random")

    def judge(self, images: Image, whole: bool) -> Tensor:
        """Logits of whole images, or of the patches of a random map."""
        if whole:
            return self.discriminator(images)
        count = min(self.settings.patch_maps, len(self.discriminator.heads))
        return self.discriminator.patches(images, int(torch.randint(count, ())))

    def consistency(self) -> Tensor:
        """The distance consistency of fresh samples, each in a layer of its own, never the first or the last."""
        (source,) = self._source
        z = torch.randn(self.settings.consistency_batch, source.z_dim, device=self.device)
        with torch.no_grad():
            theirs = layer_activations(source, source.mapping(z))
        ours = layer_activations(self.generator, self.generator.mapping(z))
        layers = torch.randint(1, len(ours) - 1, (len(z),)).tolist()
        return torch.stack([distance_consistency_loss(theirs[k], ours[k])[i] for i, k in enumerate(layers)]).mean()

    def path_penalty(self, n: int) -> Tensor:
        """Of n codes."""
        z = torch.randn(n, self.generator.z_dim, device=self.device)
        return path_penalty(self.generator, self.generator.mapping(z), self.mean_path)


def adapt(domain: Domain, photos: Image, settings: FitSettings, *, seed: int) -> Generator:
    """The best averaged generator of an adaptation to ``photos`` [N, 3, R, R], frozen; ``seed`` decides every draw."""
    return train_generator(Adaptation, domain, photos, settings, seed=seed)


@dataclass(frozen=True)
class Settings:
    fit: FitSettings = field(default_factory=FitSettings)
    """decides the trained generator"""
    restore: LatentProjectionSettings = EARLY_STOPPED
    """decides projections into it; in MyStyle there are none, so these are DiffAugment's"""


# Rates were chosen on d01: at the published ones the discriminator of small networks stays at chance (card)
OURS = FitSettings(generator_rate=4e-4, discriminator_rate=4e-3)


class Ojha(FewShotMethod):
    name = "ojha"
    version = 2
    title = "Ojha et al."
    presets: Mapping[str, Settings] = {
        "smoke": Settings(replace(OURS, iterations=4), replace(EARLY_STOPPED, steps=10)),
        "quick": Settings(replace(OURS, iterations=240, ema_half_life=25)),
        "full": Settings(replace(OURS, iterations=5000, ema_half_life=300)),
        "paper": Settings(),
    }

    def train(self, domain: Domain, photos: Image, settings: FitSettings, seed: int) -> Generator:
        return adapt(domain, photos, settings, seed=seed)


METHOD = Ojha()
