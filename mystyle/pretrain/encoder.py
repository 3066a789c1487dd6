"""The W encoder: E(x) such that G(E(x)) shows x, with the generator frozen."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.checkpoints import load_generator, load_network, save_network
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.encoder import Encoder
from mystyle.networks.features import FeatureNetwork, PerceptualDistance
from mystyle.networks.stylegan2 import Generator, require_stylegan2
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import EncoderSettings
from mystyle.types import Image


class EncoderRecipe(Recipe):
    def __init__(
        self, generator: Generator, perceptual: PerceptualDistance, album: Album, settings: EncoderSettings, seed: int
    ):
        self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        super().__init__(len(self.train_positions), settings.batch, seed, settings.epochs)
        self.album, self.settings = album, settings
        # in a tuple: fixed, hence no part of a checkpoint, which would bring an older generator back
        self._fixed = generator.requires_grad_(False).eval(), perceptual.requires_grad_(False).eval()
        self.network = Encoder(album.resolution, generator.w_dim, settings.widths)
        self.network.to(memory_format=torch.channels_last)
        self.network.w_avg.copy_(generator.mapping.w_avg)
        self.variance = latent_statistics(generator).std ** 2  # E ||w - w_avg||^2

    @property
    def generator(self) -> Generator:
        return self._fixed[0].to(self.device)

    @property
    def perceptual(self) -> PerceptualDistance:
        return self._fixed[1].to(self.device)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), lr=self.settings.rate)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        s = self.settings
        self.anneal(s.rate, batch_idx)
        x = self.album.batch(self.train_positions[index.cpu()]).to(self.device)
        with torch.no_grad():
            w = self.generator.mapping.w(torch.randn(len(x) // 2, self.generator.z_dim, device=self.device))
            made = self.generator.synthesis(w[:, None].expand(-1, self.generator.num_ws, -1))
        # not by the trainer, around the whole step: the generator has a half precision of its own
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=s.precision == "bf16-mixed")
        with half:
            codes = self.network(torch.cat([x, made.clamp(-1, 1)])).float()
        code, code_of_made = codes[: len(x)], codes[len(x) :]
        y = self.generator.synthesis(code[:, None].expand(-1, self.generator.num_ws, -1))
        with half:
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

    def compare(self, y: Image, x: Image) -> tuple[Tensor, Tensor]:
        """The perceptual distance [n] of two batches, and the cosine [n] of what its network's last layer reads."""
        network = self.perceptual.network
        with torch.no_grad():
            maps_x = network.maps(x)
        maps_y = network.maps(y)
        distance = self.perceptual.between(*(self.perceptual.features_of(maps) for maps in (maps_y, maps_x)))
        return distance, F.cosine_similarity(network.deep_of(maps_y), network.deep_of(maps_x), dim=1)


@torch.no_grad()
def evaluate(recipe: EncoderRecipe) -> dict[str, float]:
    """On identities that the encoder never saw: errors of G(E(x)) against x, and the spread of the codes."""
    e, g, album = recipe.network.eval(), recipe.generator, recipe.album
    rows = []
    for part in recipe.test_positions.split(128):
        x = album.batch(part).to(recipe.device)
        w = e(x)
        y = g.synthesis(w[:, None].expand(-1, g.num_ws, -1)).clamp(-1, 1)
        radius2 = (w - e.w_avg).square().sum(1) / recipe.variance
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
