"""Adversarial training of image-to-image networks (CoModGAN, GPEN), of a domain or of a person."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from baselines.common.few_shot import drawing, shuffled
from mystyle.adversarial import lazy_adam, logistic_d, logistic_g, r1_penalty, update_average
from mystyle.checkpoints import save_network
from mystyle.domains.domain import Domain
from mystyle.networks.stylegan2 import Discriminator
from mystyle.protocols import Method, OwnNetwork
from mystyle.roles import PerceptualDistance
from mystyle.training import Game, require_finite, train
from mystyle.types import LENGTH, Image, Portraits, Unsupported, from_uint8

NETWORK = "generator.safetensors"  # in the folder of a prior


@dataclass(frozen=True)
class GameSettings:
    """Adversarial training. The defaults are CoModGAN's, whose generator has no other loss than the game's.

    Its 25 million images are out of reach of a small computer, where ``content_weight`` makes up for some of them.
    """

    batch: int = 8
    learning_rate: float = 2e-3
    """of Adam (0, 0.99) for G and D"""
    discriminator_rate: float | None = None
    """of D where it is another"""
    r1_gamma: float = 10.0
    r1_every: int = 16
    style_mixing: float = 0.5
    ema_half_life: float = field(default=10_000, metadata=LENGTH)
    """of the averaged generator's weights, in images"""
    content_weight: float = 0.0
    """of the distance between output and photo that the method adds to its own losses"""
    warm_rate: float = 6e-3
    """of Adam (0.9, 0.99) for G in ``WarmStart``, falling to zero on a cosine"""
    precision: Literal["float32", "bfloat16"] = "float32"
    """of activations in G and D; bfloat16 pays where the processor has it"""


class ConditionalGame(Game, ABC):
    """G against D on batches (photos [n, 3, R, R],), in [-1, 1] or as bytes. One condition serves both players."""

    stage = "conditional game"
    step: Tensor
    """counted from 0"""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator,
        perceptual: PerceptualDistance,
        settings: GameSettings,
        seed: int,
    ):
        super().__init__()
        self.settings, self.seed = settings, seed
        self._perceptual = (perceptual,)  # in a tuple: fixed, no part of the trained module
        self.generator = copy.deepcopy(generator).requires_grad_(True)
        self.average = copy.deepcopy(generator).requires_grad_(False)
        self.discriminator = discriminator.requires_grad_(True)
        self.register_buffer("step", torch.zeros([], dtype=torch.long))
        self.losses: dict[str, float] = {}
        """of the last step"""

    @abstractmethod
    def condition(self, real: Image, rng: np.random.Generator) -> Any:
        """What is sampled for a batch of photos: their masks, their degraded versions."""

    @abstractmethod
    def restored(self, real: Image, condition: Any) -> Image:
        """G's images, with gradients."""

    @abstractmethod
    def judge(self, images: Image, condition: Any) -> Tensor:
        """D's logits [n]."""

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        s = self.settings
        plain = torch.optim.Adam(self.generator.parameters(), s.learning_rate, betas=(0.0, 0.99))
        rate = s.learning_rate if s.discriminator_rate is None else s.discriminator_rate
        return [plain, lazy_adam(self.discriminator.parameters(), rate, s.r1_every)]

    def sampled(self, photos: Tensor) -> tuple[Image, Any]:
        """Photos in [-1, 1] and their condition; every draw of a step comes from its number, also in a resumed run."""
        step = int(self.step)
        torch.manual_seed(1_000_003 * self.seed + step)
        self.step += 1
        real = from_uint8(photos) if photos.dtype == torch.uint8 else photos
        return real, self.condition(real, np.random.default_rng([self.seed, step]))

    def in_precision(self) -> torch.autocast:
        """The block in which networks compute as ``precision`` says."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16")

    def training_step(self, batch: tuple[Image], _: int) -> None:
        s = self.settings
        optimizer_g, optimizer_d = self.optimizer_list()
        step = int(self.step)
        real, condition = self.sampled(batch[0])
        with self.in_precision():
            fake = self.restored(real, condition)
            verdicts = self.judge(real, condition), self.judge(fake.detach(), condition)

        loss_d = logistic_d(*(verdict.float() for verdict in verdicts))
        self.descend(optimizer_d, loss_d, step)
        if step % s.r1_every == 0:  # with respect to the image, not to what it is judged by
            penalty = r1_penalty(lambda x: self.judge(x, condition), real)
            self.descend(optimizer_d, s.r1_gamma / 2 * penalty * s.r1_every, step)

        self.discriminator.requires_grad_(False)
        with self.in_precision():
            verdict = self.judge(fake, condition)
        loss_g = logistic_g(verdict.float())
        content = self.content(fake.float(), real, condition)
        self.descend(optimizer_g, loss_g + content, step)
        self.discriminator.requires_grad_(True)
        update_average(self.average, self.generator, 0.5 ** (len(real) / s.ema_half_life))
        values = {"d": loss_d, "g": loss_g, "content": content}
        self.losses = {name: float(value.detach()) for name, value in values.items()}

    @abstractmethod
    def content(self, fake: Image, real: Image, condition: Any) -> Tensor:
        """What is not adversarial in G's loss, weighted."""

    def perceptual_distance(self, fake: Image, real: Image) -> Tensor:
        """The mean over the batch."""
        (perceptual,) = self._perceptual
        with torch.no_grad():
            features = perceptual.features(real)
        return perceptual.to_target(fake, features).mean()


class WarmStart(pl.LightningModule):
    """The generator of ``game`` alone, by its content loss: what is where, before the game says how it looks."""

    def __init__(self, game: ConditionalGame):
        super().__init__()
        self.game = game

    def configure_optimizers(self) -> Any:
        rate = self.game.settings.warm_rate
        optimizer = torch.optim.Adam(self.game.generator.parameters(), rate, betas=(0.9, 0.99))
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def training_step(self, batch: tuple[Image], _: int) -> Tensor:
        real, condition = self.game.sampled(batch[0])
        with self.game.in_precision():
            fake = self.game.restored(real, condition)
        loss = self.game.content(fake.float(), real, condition)
        require_finite(loss, "warm start", self.global_step)
        return loss


def warm_start(game: ConditionalGame, batches: Iterable[tuple[Tensor]], **run: Any) -> None:
    """Trains the generator of ``game`` and its average; ``run`` are the other arguments of ``train``."""
    game.discriminator.requires_grad_(False)
    train(WarmStart(game), batches, **run)
    game.discriminator.requires_grad_(True)
    game.average.load_state_dict(game.generator.state_dict())  # of one set of weights: the rate has fallen to nothing


def fine_tune(
    make_game: Callable[[], ConditionalGame], photos: Image, images: int, domain: Domain, seed: int
) -> nn.Module:
    """The averaged generator after ``images`` photos, repetitions counted, of one person. ``seed`` decides all."""
    with drawing(seed, domain.device):
        game = make_game()
        batch = game.settings.batch
        batches = shuffled(photos, batch, max(1, images // batch))
        train(game, batches, stage="fine-tuning", epochs=1, device=domain.device)
    return game.average


SMALL = GameSettings(learning_rate=5e-4, discriminator_rate=4e-3, r1_gamma=0.5, ema_half_life=2_000, content_weight=3.0)
"""For a domain of 128 px and thousands of steps."""


@dataclass(frozen=True)
class GameNetwork(OwnNetwork):
    """A network of the domain that is trained in a ``ConditionalGame``, and on a person fine-tuned in another."""

    game: Callable[[nn.Module, Domain, GameSettings, int], ConditionalGame]
    """(network, domain, settings, seed) -> its training against the domain's discriminator"""
    settings: GameSettings = SMALL


@dataclass(frozen=True)
class NetworkPrior:
    """What such a method leaves, of a domain or of a person: one network."""

    generator: nn.Module

    def save(self, folder: Path) -> None:
        save_network(self.generator, folder / NETWORK)


@dataclass(frozen=True)
class AsItIs:
    fit: None = None
    """nothing is fitted"""


class OfDomain(Method):
    """A method's network of the domain as it is, identity-agnostic."""

    version = 1
    personal = False
    presets: Mapping[str, Any] = dict.fromkeys(("smoke", "quick", "full", "paper"), AsItIs())

    def __init__(self, name: str, title: str, does: tuple[str, ...], network: GameNetwork, prior: type[NetworkPrior]):
        self.name, self.title, self.does = name, title, does
        self.network, self.prior, self.networks = network, prior, (network,)

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: AsItIs | None) -> Any:
        """The person's photos are not used. Raises Unsupported where the network is missing."""
        file = domain.file(self.network.file)
        if file is None:
            raise Unsupported(f"domain {domain.name} has no {self.network.file}; {self.network.command} trains it")
        return self.read(file, domain)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: AsItIs) -> Any:
        return self.read(folder / NETWORK, domain)

    def read(self, file: Path, domain: Domain) -> Any:
        """The prior of a weight file."""
        return self.prior(self.network.read(file).to(domain.device))


@dataclass(frozen=True)
class FineTuning:
    images: int = field(default=100_000, metadata=LENGTH)
    """photos shown in all, repetitions counted"""
    game: GameSettings = field(default_factory=GameSettings)


@dataclass(frozen=True)
class FineTunedSettings:
    fit: FineTuning = field(default_factory=FineTuning)
    """decides the network"""


class FineTuned(Method):
    """A method's network of the domain, fine-tuned on the photos of a person.

    MyStyle fine-tunes its baselines so and names no recipe. We go on with the game of the domain's network, with the
    same degradations, against the domain's discriminator. The shorter presets have the settings of that game, with
    higher rates for fewer photos and steps.
    """

    version = 1

    def __init__(self, name: str, title: str, base: OfDomain):
        self.name, self.title, self.base = name, title, base
        self.does, self.networks = base.does, base.networks
        small = replace(base.network.settings, learning_rate=2e-3, discriminator_rate=None)
        self.presets = {
            "smoke": FineTunedSettings(FineTuning(16, small)),
            "quick": FineTunedSettings(FineTuning(480, replace(small, ema_half_life=48))),
            "full": FineTunedSettings(FineTuning(20_000, small)),
            "paper": FineTunedSettings(),
        }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: FineTunedSettings) -> Any:
        """Raises FloatingPointError if training diverges, Unsupported where the domain's network is missing."""
        prior = self.base.fit(person, domain, seed=seed, settings=None)
        s, photos = settings.fit, person.images.to(domain.device)
        make_game = partial(self.base.network.game, prior.generator, domain, s.game, seed)
        return replace(prior, generator=fine_tune(make_game, photos, s.images, domain, seed))

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: FineTunedSettings) -> Any:
        return self.base.read(folder / NETWORK, domain)
