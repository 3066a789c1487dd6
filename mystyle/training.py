"""How the project trains with Lightning: in memory, without loggers, checkpoints, banners or worker processes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from mystyle.progress import report


class Progress(pl.Callback):
    """Reports every batch of ``stage``."""

    def __init__(self, stage: str):
        self.stage = stage

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        epoch, batch = trainer.current_epoch, trainer.fit_loop.batch_idx + 1
        per_epoch = trainer.num_training_batches
        report(self.stage, epoch * per_epoch + batch, trainer.max_epochs * per_epoch)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silences Lightning's info lines and its advice about workers and intervals inside the block."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric)")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def train(module: pl.LightningModule, batches: Iterable[Any], *, stage: str, epochs: int, device: torch.device) -> None:
    """Fits ``module`` for ``epochs`` passes over ``batches`` on ``device``, leaves it there and nothing on disk."""
    on_gpu = device.type == "cuda"
    with quiet_lightning():
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="gpu" if on_gpu else "cpu",
            devices=[device.index or 0] if on_gpu else 1,
            callbacks=[Progress(stage)],
            barebones=True,  # no logger, checkpoint, summary, progress bar or sanity check
        )
        trainer.fit(module, batches)
    module.to(device)  # Lightning moves the module to the CPU at the end


def require_finite(loss: Tensor, stage: str, step: int) -> None:
    """Raises FloatingPointError that names ``stage`` and ``step`` unless ``loss`` is finite."""
    if not torch.isfinite(loss).all():
        raise FloatingPointError(f"{stage}: the loss became {float(loss.detach())} at step {step}; lower learning_rate")
