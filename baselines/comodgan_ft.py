"""CoModGAN + FT: the domain's inpainting network trained on, adversarially, on the person's photos.

MyStyle names no recipe. We go on with the game of the domain's network on photos of the person, with the same masks,
against the domain's discriminator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch.utils.data import DataLoader, TensorDataset

from baselines.comodgan import METHOD as COMODGAN
from baselines.comodgan import SMALL, CoModGenerator, CoModPrior, GameSettings
from mystyle.checkpoints import load_network, save_network
from mystyle.domain import Domain
from mystyle.training import train
from mystyle.types import Portraits


@dataclass(frozen=True)
class FitSettings:
    images: int = 100_000
    """photos shown in all, repetitions counted"""
    game: GameSettings = field(default_factory=GameSettings)


@dataclass(frozen=True)
class Settings:
    fit: FitSettings = field(default_factory=FitSettings)
    """decides the network"""


class FineTunedPrior(CoModPrior):
    def save(self, folder: Path) -> None:
        save_network(self.generator, folder / "comodgan.safetensors")


class CoModGanFT:
    name = "comodgan_ft"
    version = 1
    title = "CoModGAN + FT"
    does = COMODGAN.does
    base = COMODGAN.base
    presets: ClassVar[Mapping[str, Settings]] = {
        "smoke": Settings(FitSettings(16, SMALL)),
        "quick": Settings(FitSettings(800, replace(SMALL, ema_half_life=80))),
        "full": Settings(FitSettings(20_000, SMALL)),
        "paper": Settings(),
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> FineTunedPrior:
        """Raises FloatingPointError if training diverges."""
        photos, s = person.images.to(domain.device), settings.fit
        network = COMODGAN.fit(person, domain, seed=seed, settings=COMODGAN.presets["paper"]).generator
        devices = [domain.device] if domain.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            wanted = max(1, s.images // s.game.batch) * s.game.batch
            order = torch.cat([torch.randperm(len(photos)) for _ in range(-(-wanted // len(photos)))])[:wanted]
            batches = DataLoader(TensorDataset(photos), s.game.batch, sampler=order.tolist())
            game = COMODGAN.game(network, domain, s.game, seed % 2**31)
            train(game, batches, stage="inpainting game", epochs=1, device=domain.device)
        return FineTunedPrior(game.average)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> FineTunedPrior:
        return FineTunedPrior(load_network(CoModGenerator, folder / "comodgan.safetensors").to(domain.device))


METHOD = CoModGanFT()
