"""The domain's generator: a warm start on rendered pairs, critics of features, then the StyleGAN2 recipe.

The warm start needs a manifest with the true parameters: z is made of their normal scores, and G(z) is regressed to the
image itself. It takes minutes where adversarial training takes hours, and gives a W in which the parameters are nearly
linear. It grows: layout is learned at a quarter of the resolution, where a step is cheap, appearance at half and in
full. Critics of features then sharpen its textures (``mystyle.pretrain.sharpen``). The adversarial stage (logistic
loss, lazy R1, path length, style mixing, EMA) fits the distribution, given enough steps; half of its fakes keep the
pair loss so that W keeps its meaning.
Without a manifest, or with empty ``warm_epochs``, the adversarial stage runs alone. ``start`` goes on from a finished
pair of networks, on the same images or on others.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor

from mystyle.adversarial import lazy_adam, logistic_d, logistic_g, path_penalty, r1_penalty, update_average
from mystyle.checkpoints import load_discriminator, load_generator, load_network, save_discriminator, save_generator
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.features import FeatureNetwork, PerceptualDistance
from mystyle.networks.stylegan2 import Discriminator, Generator, require_stylegan2, set_precision
from mystyle.pretrain.data import Album, complete_to_sphere, normal_scores
from mystyle.pretrain.loop import GameRecipe, Recipe, train
from mystyle.pretrain.settings import GeneratorSettings
from mystyle.pretrain.sharpen import SharpeningRecipe
from mystyle.types import Image


def make_generator(resolution: int, s: GeneratorSettings) -> Generator:
    return Generator(resolution, s.z_dim, s.w_dim, s.channel_base, s.channel_max, s.mapping_layers)


class WarmRecipe(Recipe):
    """G(z_i) = x_i by L1 and, where the images have its size, perceptual distance."""

    def __init__(
        self, generator: Generator, album: Album, z: Tensor, perceptual: PerceptualDistance | None,
        settings: GeneratorSettings, batch: int, epochs: int, seed: int,
    ):  # fmt: skip
        super().__init__(len(album), batch, seed, epochs)
        self.album, self.z, self.settings = album, z, settings
        self.perceptual = perceptual
        self.network = generator
        self.average = copy.deepcopy(self.network).requires_grad_(False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The mapping's stored weights are 100 times larger than they act, so its steps must be for the same effect."""
        networks = (self.network.synthesis, 1.0), (self.network.mapping, 100.0)
        groups = [{"params": list(part.parameters()), "scale": scale} for part, scale in networks]
        return torch.optim.Adam(groups, lr=self.settings.warm_rate, betas=(0.9, 0.99))

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.warm_rate, batch_idx)
        index = index.cpu()
        x = self.album.batch(index).to(self.device)
        loss = pair_loss(self.network(self.z[index].to(self.device), noise="none"), x, self.perceptual)
        self.log("pair", loss, prog_bar=True)
        return loss

    def on_train_batch_end(self, *_: object) -> None:
        update_average(self.average, self.network, 0.99)


def pair_loss(y: Image, x: Image, perceptual: PerceptualDistance | None) -> Tensor:
    distance = (y - x).abs().mean()
    return distance if perceptual is None else distance + perceptual(y, x).mean()


def warm_start(
    album: Album, z: Tensor, perceptual: PerceptualDistance, settings: GeneratorSettings, seed: int, work: Path
) -> Generator:
    """The generator after the stages of ``warm_epochs``, each of which starts from the layers of the one before."""
    weights: dict[str, Tensor] = {}
    for stage, epochs in zip((4, 2, 1), settings.warm_epochs, strict=True):
        small = album.shrunk(stage) if stage > 1 else album
        generator = make_generator(small.resolution, settings)
        set_precision(generator, getattr(torch, settings.warm_precision))
        generator.load_state_dict(weights, strict=False)  # layers of a resolution have the same names at every size
        distance = perceptual if stage == 1 else None
        recipe = WarmRecipe(generator, small, z, distance, settings, stage * settings.warm_batch, epochs, seed)
        train(recipe, work / f"warm{small.resolution}")
        weights = recipe.average.state_dict()
    set_precision(generator, torch.float32)
    generator.load_state_dict(weights)
    return generator


class AdversarialRecipe(GameRecipe):
    """Generator against discriminator (section 9 of StyleGAN2's recipe: lazy R1 and path length, style mixing, EMA)."""

    stage = "adversarial stage"
    mean_path: Tensor
    step: Tensor

    def __init__(
        self, generator: Generator, discriminator: Discriminator, album: Album, z: Tensor | None,
        perceptual: PerceptualDistance | None, settings: GeneratorSettings, seed: int,
    ):  # fmt: skip
        super().__init__(generator, album, settings, seed, settings.epochs)
        self.z, self.perceptual = z, perceptual
        self.discriminator = discriminator
        self.register_buffer("mean_path", torch.zeros([]))
        self.register_buffer("step", torch.zeros([], dtype=torch.long))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        s = self.settings
        return [
            lazy_adam(self.generator.parameters(), s.generator_rate, s.path_every),
            lazy_adam(self.discriminator.parameters(), s.rate, s.r1_every),
        ]

    def fakes(self, n: int) -> Image:
        images: Image = self.generator.synthesis(self.codes(n), noise="random")
        return images

    def training_step(self, index: Tensor, batch_idx: int) -> None:
        s, (opt_g, opt_d) = self.settings, self.optimizer_list()
        index = index.cpu()
        real = self.album.batch(index).to(self.device)
        step = int(self.step)
        self.step += 1

        with torch.no_grad():
            fake = self.fakes(len(real))
        scores_real, scores_fake = self.discriminator(real), self.discriminator(fake)
        loss_d = logistic_d(scores_real, scores_fake)
        self.descend(opt_d, loss_d, step)
        if step % s.r1_every == 0:
            penalty = r1_penalty(self.discriminator, real)
            self.descend(opt_d, s.gamma / 2 * penalty * s.r1_every, step)
            self.log("r1", penalty)
        self.log_dict({"d": loss_d, "real": scores_real.mean(), "fake": scores_fake.mean()})
        if step < s.settle:
            return

        self.discriminator.requires_grad_(False)
        half = len(real) // 2 if self.z is not None else 0
        fake = self.fakes(len(real) - half)
        loss = torch.zeros([], device=self.device)
        if self.z is not None:
            paired = self.generator(self.z[index[:half]].to(self.device), noise="random")
            loss = s.pair_weight * pair_loss(paired, real[:half], self.perceptual)
            fake = torch.cat([paired, fake])
            self.log("pair", loss)
        loss_g = logistic_g(self.discriminator(fake))
        self.descend(opt_g, loss_g + loss, step)
        if step % s.path_every == 0:
            penalty = path_penalty(self.generator, self.codes(max(len(real) // 2, 1)), self.mean_path)
            self.descend(opt_g, s.path_weight * penalty * s.path_every, step)
        self.discriminator.requires_grad_(True)
        self.log("g", loss_g, prog_bar=True)
        self.move_average(len(real))


def pretrain(album: Album, out: Path, work: Path, settings: GeneratorSettings, seed: int) -> dict[str, float]:
    """Trains all stages; writes ``generator.safetensors`` (the average) and ``discriminator.safetensors`` to ``out``.

    Pairs of z and image need the album's parameters and ``perceptual.safetensors`` in ``out``. Raises ValueError if a
    warm start lacks them, and if the networks to start from do not fit.
    """
    file = out / "perceptual.safetensors"
    paired, warm = bool(album.parameters) and file.is_file(), bool(settings.warm_epochs) and not settings.start
    if warm and not paired:
        raise ValueError(f"a warm start needs a manifest with parameters and {file}; or --settings.warm_epochs []")
    perceptual = z = None
    if paired and (warm or settings.start):
        perceptual = PerceptualDistance(load_network(FeatureNetwork, file))
    if settings.start:
        generator = require_stylegan2(load_generator(settings.start / "generator.safetensors")).requires_grad_(True)
        discriminator = load_discriminator(settings.start / "discriminator.safetensors").requires_grad_(True)
        if generator.resolution != album.resolution:
            raise ValueError(
                f"--settings.start {settings.start}: a generator of {generator.resolution} px, "
                f"but the images have {album.resolution} px"
            )
    else:
        generator = make_generator(album.resolution, settings)
        discriminator = Discriminator(album.resolution, settings.channel_base, settings.channel_max)
    if perceptual is not None:
        draws = torch.Generator().manual_seed(seed)
        z = complete_to_sphere(normal_scores(album.parameters, draws), generator.z_dim, draws)
        if warm:
            generator = warm_start(album, z, perceptual, settings, seed, work)
            if settings.sharp_epochs:
                sharpening = SharpeningRecipe(generator, album, z, perceptual, settings, seed)
                train(sharpening, work / "sharpening")
                generator.load_state_dict(sharpening.average.state_dict())
    recipe = AdversarialRecipe(generator, discriminator, album, z, perceptual, settings, seed)
    train(recipe, work / "adversarial")
    recipe.average.mapping.w_avg.copy_(latent_statistics(recipe.average).mean)
    save_generator(recipe.average, out / "generator.safetensors", torch.float16)
    save_discriminator(recipe.discriminator, out / "discriminator.safetensors", torch.float16)
    return {}
