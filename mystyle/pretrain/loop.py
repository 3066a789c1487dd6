"""What the recipes share: shuffled batches by seed and epoch, and a resumable Trainer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

Precision = Literal["32-true", "bf16-mixed"]  # Lightning's names
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

    def __init__(self, n: int, batch: int, seed: int, epochs: int):
        super().__init__()
        self.n, self.batch, self.seed, self.epochs = n, batch, seed, epochs

    def train_dataloader(self) -> DataLoader:
        return DataLoader(Shuffled(self.n, self.batch, self.seed, self.current_epoch), batch_size=None)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Noise belongs to the batch, so that a resumed run draws what an undisturbed one would."""
        torch.manual_seed((1_000_003 * self.seed + self.current_epoch) * BATCHES_PER_EPOCH + batch_idx)

    def anneal(self, rate: float, batch_idx: int) -> None:
        """Sets the rate, times the group's ``scale``, on a cosine over the whole run from ``rate`` to a hundredth."""
        progress = (self.current_epoch + batch_idx / BATCHES_PER_EPOCH) / self.epochs
        for group in self.optimizers().optimizer.param_groups:
            group["lr"] = group.get("scale", 1.0) * rate * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


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
