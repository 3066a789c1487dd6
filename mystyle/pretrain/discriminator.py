"""A discriminator for a generator that came without one: photographs of strangers against its frozen samples.

Adversarial methods go on from it. It begins untrained, so that it is warm when the first person arrives, and no more:
a distilled generator's own was never published. Both sides are shown under the same random flips.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mystyle.adversarial import lazy_adam, logistic_d, r1_penalty
from mystyle.checkpoints import load_generator, save_discriminator
from mystyle.networks.stylegan2 import Discriminator
from mystyle.precision import computing_in
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import DiscriminatorSettings
from mystyle.roles import Generator
from mystyle.training import Game
from mystyle.types import Image


class DiscriminatorRecipe(Game, Recipe):
    """The discriminator's half of StyleGAN2's game."""

    stage = "discriminator"
    step: Tensor

    def __init__(self, generator: Generator, album: Album, settings: DiscriminatorSettings, seed: int):
        self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        super().__init__(len(self.train_positions), settings.batch, seed, settings.epochs)
        self.album, self.settings = album, settings
        self._generator = (generator,)  # in a tuple: fixed, hence no part of a checkpoint
        self.network = Discriminator(album.resolution, settings.channel_base, settings.channel_max)
        self.register_buffer("step", torch.zeros([], dtype=torch.long))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return lazy_adam(self.network.parameters(), self.settings.rate, self.settings.r1_every)

    @torch.no_grad()
    def fakes(self, n: int) -> Image:
        (g,) = self._generator
        return g(torch.randn(n, g.z_dim, device=self.device), noise="random").clamp(-1, 1)

    def training_step(self, index: Tensor, batch_idx: int) -> None:
        s, (optimizer,) = self.settings, self.optimizer_list()
        step = int(self.step)
        self.step += 1
        real = self.album.batch(self.train_positions[index.cpu()]).to(self.device)
        images = torch.cat([real, self.fakes(len(real))])
        flipped = torch.rand(len(images), 1, 1, 1, device=self.device) < 0.5
        real, fake = torch.where(flipped, images.flip(3), images).chunk(2)
        loss = logistic_d(self.network(real), self.network(fake))
        self.descend(optimizer, loss, step)
        if step % s.r1_every == 0:
            self.descend(optimizer, s.gamma / 2 * r1_penalty(self.network, real) * s.r1_every, step)
        self.log("d", loss, prog_bar=True)


@torch.no_grad()
def evaluate(recipe: DiscriminatorRecipe) -> dict[str, float]:
    """On photographs of people that it never saw and as many fresh samples: its loss, and how often it is right."""
    real = recipe.album.batch(recipe.test_positions).to(recipe.device)
    if not len(real):
        return {}
    recipe.eval()
    scores = [torch.cat([recipe.network(part) for part in x.split(8)]) for x in (real, recipe.fakes(len(real)))]
    right = torch.cat([scores[0] > 0, scores[1] < 0]).float().mean()
    return {"loss": float(logistic_d(*scores)), "accuracy": float(right)}


def pretrain(
    album: Album, generator_file: Path, out: Path, work: Path, settings: DiscriminatorSettings, seed: int
) -> dict[str, float]:
    """Writes ``discriminator.safetensors`` to ``out`` in float16 and returns ``evaluate``'s.

    Raises ValueError if photographs and generator differ in size.
    """
    generator = load_generator(generator_file)
    if generator.resolution != album.resolution:
        raise ValueError(f"the generator makes {generator.resolution} px, the photos have {album.resolution} px")
    recipe = DiscriminatorRecipe(generator, album, settings, seed)
    with computing_in(settings.precision, generator, recipe.network):
        train(recipe, work / "discriminator")
    save_discriminator(recipe.network, out / "discriminator.safetensors", torch.float16)
    return evaluate(recipe)
