"""What the recipes share: shuffled batches by seed and epoch, adversarial training, and a resumable Trainer."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from mystyle.adversarial import mixed_codes, update_average
from mystyle.networks.stylegan2 import Generator
from mystyle.pretrain.data import Album
from mystyle.pretrain.settings import GeneratorSettings, Precision
from mystyle.training import Game
from mystyle.types import WPlus

BATCHES_PER_EPOCH = 200  # an epoch is a checkpoint interval, not a pass over the data


class Shuffled(IterableDataset[Tensor]):
    """``BATCHES_PER_EPOCH`` batches of positions in [0, n), a function of (seed, epoch) alone."""

    def __init__(self, n: int, batch: int, seed: int, epoch: int):
        self.n, self.batch, self.seed, self.epoch = n, min(batch, n), seed, epoch

    def __iter__(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        left = BATCHES_PER_EPOCH
        while left:
            for part in torch.randperm(self.n, generator=generator).split(self.batch)[: self.n // self.batch][:left]:
                left -= 1
                yield part


class Recipe(pl.LightningModule):
    """A network in training on positions [0, n) of an album in memory, for ``epochs`` of ``BATCHES_PER_EPOCH``."""

    settings: Any

    def __init__(self, n: int, batch: int, seed: int, epochs: int):
        super().__init__()
        self.n, self.batch, self.seed, self.epochs = n, batch, seed, epochs

    def train_dataloader(self) -> DataLoader[Tensor]:
        return DataLoader(Shuffled(self.n, self.batch, self.seed, self.current_epoch), batch_size=None)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Noise belongs to the batch, so that a resumed run draws what an undisturbed one would."""
        torch.manual_seed((1_000_003 * self.seed + self.current_epoch) * BATCHES_PER_EPOCH + batch_idx)

    def in_precision(self) -> torch.autocast:
        """The block in which what is trained and what losses look through compute as ``settings.precision`` says.

        Not by the trainer, around the whole step: the generator has a half precision of its own.
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16-mixed")

    def anneal(self, rate: float, batch_idx: int) -> None:
        """Sets the rate, times the group's ``scale``, on a cosine over the whole run from ``rate`` to a hundredth."""
        progress = (self.current_epoch + batch_idx / BATCHES_PER_EPOCH) / self.epochs
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group.get("scale", 1.0) * rate * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


class GameRecipe(Game, Recipe):
    """A generator against another network; ``average``, the running mean of its weights, is what is kept."""

    def __init__(self, generator: Generator, album: Album, settings: GeneratorSettings, seed: int, epochs: int):
        super().__init__(len(album), settings.batch, seed, epochs)
        self.generator, self.album, self.settings = generator, album, settings
        self.average = copy.deepcopy(generator).requires_grad_(False)

    def codes(self, n: int) -> WPlus:
        """n random ones with mixed styles."""
        z = torch.randn(n, self.generator.z_dim, device=self.device)
        return mixed_codes(self.generator, z, self.settings.mixing)

    def move_average(self, n: int) -> None:
        """To be called after a step on n images."""
        update_average(self.average, self.generator, 0.5 ** (n / (self.settings.ema_kimg * 1000)))


def train(module: Recipe, work: Path, precision: Precision = "32-true") -> None:
    """Runs ``module.epochs`` epochs, going on from ``work/last.ckpt`` if there is one. Curves go to ``work/curves``."""
    last = work / "last.ckpt"
    keeper = ModelCheckpoint(
        work, filename="last", save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
    )
    trainer = pl.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision,
        max_epochs=module.epochs,
        reload_dataloaders_every_n_epochs=1,
        logger=CSVLogger(work, name="curves"),
        log_every_n_steps=50,
        callbacks=[keeper, RichProgressBar(refresh_rate=20)],
        enable_model_summary=False,
    )
    trainer.fit(module, ckpt_path=str(last) if last.is_file() else None, weights_only=True)
