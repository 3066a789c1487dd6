"""How the project trains with Lightning: in memory, without loggers, checkpoints, banners or worker processes."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from mystyle.files import write_whole
from mystyle.progress import report


class Progress(pl.Callback):
    """Reports every batch of ``stage``."""

    def __init__(self, stage: str):
        self.stage = stage

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        epoch, batch = trainer.current_epoch, trainer.fit_loop.batch_idx + 1
        per_epoch, epochs = int(trainer.num_training_batches), trainer.max_epochs or 0
        loss = float(outputs["loss"]) if isinstance(outputs, dict) and "loss" in outputs else None
        report(self.stage, epoch * per_epoch + batch, epochs * per_epoch, loss)


class Checkpoint(pl.Callback):
    """Keeps the state after an epoch in ``file``, at most once in ``interval`` seconds, whole or not at all."""

    def __init__(self, file: Path, interval: float):
        self.file, self.interval, self.saved = file, interval, time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if time.monotonic() - self.saved >= self.interval:
            write_whole(self.file, trainer.save_checkpoint)
            self.saved = time.monotonic()


class Game(pl.LightningModule):
    """Adversarial training: several networks, each with an optimiser of its own. ``stage`` names it in messages."""

    stage: str

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.automatic_optimization = False

    def optimizer_list(self) -> list[LightningOptimizer]:
        """The optimisers in the order of ``configure_optimizers``."""
        found = self.optimizers()  # Lightning gives a single one without a list
        return [found] if isinstance(found, LightningOptimizer) else list(found)

    def descend(self, optimizer: LightningOptimizer, loss: Tensor, step: int) -> None:
        """One step of one network. Raises FloatingPointError if its loss is not finite."""
        require_finite(loss, self.stage, step)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


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


def train(
    module: pl.LightningModule,
    batches: Iterable[Any],
    *,
    stage: str,
    epochs: int,
    device: torch.device,
    checkpoint: Path | None = None,
    interval: float = 60.0,
) -> None:
    """Fits ``module`` for ``epochs`` epochs of ``batches`` on ``device`` and leaves it there.

    With ``checkpoint``, a file, the state is kept there every ``interval`` seconds, and the training goes on from it if
    it exists; otherwise nothing is left on disk. Raises ValueError if the file is not a checkpoint of such a training.
    """
    on_gpu = device.type == "cuda"
    resume = checkpoint if checkpoint and checkpoint.is_file() else None
    if resume:
        require_own(resume, module, stage)
    with quiet_lightning():
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="gpu" if on_gpu else "cpu",
            devices=[device.index or 0] if on_gpu else 1,
            callbacks=[Progress(stage), *([Checkpoint(checkpoint, interval)] if checkpoint else [])],
            barebones=True,  # no logger, checkpoint, summary, progress bar or sanity check
        )
        trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
    module.to(device)  # Lightning moves the module to the CPU at the end


def require_own(checkpoint: Path, module: pl.LightningModule, stage: str) -> None:
    """Raises ValueError unless the file is a checkpoint of this very training, by what ``on_save_checkpoint`` wrote."""
    expected: dict[str, Any] = {}
    module.on_save_checkpoint(expected)
    try:
        found = torch.load(checkpoint, map_location="cpu", weights_only=True)
        own = all(found[key] == value for key, value in expected.items())
    except Exception:  # a damaged file: torch raises many kinds
        own = False
    if not own:
        raise ValueError(f"{checkpoint}: not a checkpoint of this {stage}; delete it to begin anew")


def require_finite(loss: Tensor, stage: str, step: int) -> None:
    """Raises FloatingPointError that names ``stage`` and ``step`` unless ``loss`` is finite."""
    if not torch.isfinite(loss).all():
        raise FloatingPointError(f"{stage}: the loss became {float(loss.detach())} at step {step}; lower learning_rate")
