"""What methods that train a personal GAN adversarially share: the run of a training, and the method around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch.utils.data import DataLoader, TensorDataset

from baselines.common.latent_prior import LatentPrior
from baselines.common.snapshots import BestSnapshot
from mystyle.checkpoints import load_generator
from mystyle.domains.domain import Domain
from mystyle.latents.statistics import centre_truncation
from mystyle.precision import Precision, computing_in
from mystyle.protocols import Method
from mystyle.roles import Discriminator, Generator
from mystyle.training import Game, train
from mystyle.types import Image, Portraits


@contextmanager
def drawing(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global draws come from ``seed`` inside the block, and go on after it as if there had been none."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def shuffled(photos: Image, batch: int, steps: int) -> DataLoader:
    """``steps`` batches of photos in a random order; none comes again before all came."""
    wanted = steps * batch
    order = torch.cat([torch.randperm(len(photos)) for _ in range(-(-wanted // len(photos)))])[:wanted]
    return DataLoader(TensorDataset(photos), batch, sampler=order.tolist())


class FewShotSettings(Protocol):
    """What the settings of every such training have."""

    @property
    def batch(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def precision(self) -> Precision: ...
    @property
    def truncation(self) -> float: ...


class FewShotGame(Game):
    """The adversarial training of a personal generator."""

    ema: Generator
    """the averaged generator, which is what remains of the training"""

    @property
    @abstractmethod
    def networks(self) -> tuple[Generator | Discriminator, ...]:
        """Those that compute in the training's precision."""


Settings = TypeVar("Settings", bound=FewShotSettings)


def train_generator(
    game: Callable[[Generator, Any, Settings, BestSnapshot], FewShotGame],
    domain: Domain,
    photos: Image,
    settings: Settings,
    *,
    seed: int,
) -> Generator:
    """The averaged generator, ``ema``, of a ``game`` of the domain's networks on ``photos`` [N, 3, R, R].

    It is the best of the training under the settings' truncation, frozen; ``seed`` decides every draw.
    """
    discriminator = domain.needed("discriminator")
    with drawing(seed, domain.device):
        batches = shuffled(photos, settings.batch, settings.steps)
        snapshot = BestSnapshot(photos, domain.perceptual, settings.truncation)
        module = game(domain.generator, discriminator, settings, snapshot)
        with computing_in(settings.precision, *module.networks):
            train(module, batches, stage=module.stage, epochs=1, device=domain.device)
        snapshot.restore(module.ema)
    centre_truncation(module.ema)
    return module.ema


class FewShotMethod(Method, ABC):
    """A method whose prior is the generator that ``train`` makes.

    Its settings have ``fit``, with a ``truncation`` (of samples), and ``restore`` (of projections).
    """

    does = ("sample", "inpaint", "upscale", "invert")

    @abstractmethod
    def train(self, domain: Domain, photos: Image, settings: Any, seed: int) -> Generator:
        """The personal generator by ``settings``, those of the fit."""

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Any) -> LatentPrior:
        """Raises ValueError if photos and generator differ in size, FloatingPointError if training diverges."""
        size = domain.generator.resolution
        if tuple(person.images.shape[1:]) != (3, size, size):
            raise ValueError(f"{person.person}: photos of shape {tuple(person.images.shape)}, wanted {size} x {size}")
        return self.prior(self.train(domain, person.images.to(domain.device), settings.fit, seed), domain, settings)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Any) -> LatentPrior:
        generator = load_generator(folder / "generator.safetensors").to(domain.device).requires_grad_(False)
        return self.prior(generator, domain, settings)

    @staticmethod
    def prior(generator: Generator, domain: Domain, settings: Any) -> LatentPrior:
        return LatentPrior(generator, domain.perceptual, settings.restore, settings.fit.truncation)
