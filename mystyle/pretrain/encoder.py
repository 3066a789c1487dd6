"""The W encoder: E(x) such that G(E(x)) shows x, with the generator frozen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.checkpoints import load_generator, load_network, save_network
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.encoder import Encoder
from mystyle.networks.features import FeatureNetwork, PerceptualDistance
from mystyle.networks.stylegan2 import require_stylegan2
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import EncoderSettings
from mystyle.roles import Generator
from mystyle.types import Image, W, WPlus


class InversionRecipe(Recipe, ABC):
    """An encoder before a frozen generator (``roles.Generator``), whose images are compared with the photos.

    ``perceptual`` is a distance of ``networks.features``; ``settings`` has batch, epochs, rate and precision.
    Subclasses set ``network``.
    """

    network: nn.Module

    def __init__(self, generator: Any, perceptual: Any, n: int, settings: Any, seed: int):
        super().__init__(n, settings.batch, seed, settings.epochs)
        self.settings = settings
        # in a tuple: fixed, hence no part of a checkpoint, which would bring an older generator back
        self._fixed = generator.requires_grad_(False).eval(), perceptual.requires_grad_(False).eval()
        self.variance = latent_statistics(generator).std ** 2  # E ||w - w_avg||^2

    @property
    def generator(self) -> Generator:
        g: Generator = self._fixed[0].to(self.device)
        return g

    @property
    def perceptual(self) -> PerceptualDistance:
        distance: PerceptualDistance = self._fixed[1].to(self.device)
        return distance

    @abstractmethod
    def codes(self, images: Image) -> WPlus:
        """What the network makes of images of the generator's size."""

    @abstractmethod
    def held_out(self) -> Iterator[Image]:
        """Batches that are not trained on."""

    def configure_optimizers(self) -> Any:
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        return torch.optim.Adam(parameters, lr=self.settings.rate)

    @torch.no_grad()
    def samples(self, n: int) -> tuple[W, Image]:
        """n random codes [n, w_dim] and their images, not clamped."""
        g = self.generator
        w = g.mapping.w(torch.randn(n, g.z_dim, device=self.device))
        return w, g.synthesis(in_all_layers(w, g))

    def compare(self, y: Image, x: Image) -> tuple[Tensor, Tensor]:
        """The perceptual distance [n] of two batches, and the cosine [n] of what its network's last layer reads."""
        network = self.perceptual.network
        with torch.no_grad():
            maps_x = self.perceptual.maps(x)
        maps_y = self.perceptual.maps(y)
        distance = self.perceptual.between(*(self.perceptual.features_of(maps) for maps in (maps_y, maps_x)))
        return distance, F.cosine_similarity(network.deep_of(maps_y), network.deep_of(maps_x), dim=1)


def in_all_layers(w: W, generator: Generator) -> WPlus:
    """[n, w_dim] -> [n, num_ws, w_dim], a view."""
    return w[:, None].expand(-1, generator.num_ws, -1)


class EncoderRecipe(InversionRecipe):
    network: Encoder

    def __init__(
        self, generator: Generator, perceptual: PerceptualDistance, album: Album, settings: EncoderSettings, seed: int
    ):
        self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        super().__init__(generator, perceptual, len(self.train_positions), settings, seed)
        self.album = album
        self.network = Encoder(album.resolution, generator.w_dim, settings.widths)
        self.network.to(memory_format=torch.channels_last)
        self.network.w_avg.copy_(generator.mapping.w_avg)

    def codes(self, images: Image) -> WPlus:
        return in_all_layers(self.network(images), self.generator)

    def held_out(self) -> Iterator[Image]:
        return (self.album.batch(part) for part in self.test_positions.split(128))

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        s = self.settings
        self.anneal(s.rate, batch_idx)
        x = self.album.batch(self.train_positions[index.cpu()]).to(self.device)
        w, made = self.samples(len(x) // 2)
        with self.in_precision():
            codes = self.network(torch.cat([x, made.clamp(-1, 1)])).float()
        code, code_of_made = codes[: len(x)], codes[len(x) :]
        y = self.generator.synthesis(in_all_layers(code, self.generator))
        with self.in_precision():
            distance, similarity = self.compare(y, x)
        losses = {
            "l1": s.l1_weight * (y - x).abs().mean(),
            "perceptual": s.perceptual_weight * distance.mean(),
            "identity": s.identity_weight * (1 - similarity).mean(),
            "code": s.code_weight * (code_of_made - w).square().sum(1).mean() / self.variance,
            "prior": s.prior_weight * (code - self.network.w_avg).square().sum(1).mean() / self.variance,
        }
        self.log_dict(losses, prog_bar=True)
        return torch.stack(list(losses.values())).sum()


@torch.no_grad()
def evaluate(recipe: InversionRecipe) -> dict[str, float]:
    """On images that the encoder never saw: errors of G(E(x)) against x, and the spread of the codes."""
    recipe.network.eval()
    g = recipe.generator
    rows = []
    for images in recipe.held_out():
        x = images.to(recipe.device)
        ws = recipe.codes(x)
        y = g.synthesis(ws).clamp(-1, 1)
        radius2 = (ws - g.mapping.w_avg).square().sum(2).mean(1) / recipe.variance
        rows.append(torch.stack([(y - x).square().mean(dim=(1, 2, 3)), *recipe.compare(y, x), radius2], dim=1).cpu())
    if not rows:
        return {}
    names = ("mse", "perceptual", "identity_similarity", "relative_radius2")
    return dict(zip(names, torch.cat(rows).mean(0).tolist(), strict=True))


def pretrain(album: Album, out: Path, work: Path, settings: EncoderSettings, seed: int) -> dict[str, float]:
    """Trains on the networks in ``out``, writes ``encoder.safetensors`` there in float16, returns ``evaluate``'s."""
    generator = require_stylegan2(load_generator(out / "generator.safetensors"))
    perceptual = PerceptualDistance(load_network(FeatureNetwork, out / "perceptual.safetensors"))
    recipe = EncoderRecipe(generator, perceptual, album, settings, seed)
    train(recipe, work / "encoder")
    figures = evaluate(recipe)
    save_network(recipe.network, out / "encoder.safetensors", torch.float16)
    return figures
