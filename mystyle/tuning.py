"""Tuning: the domain's generator becomes a personal one (Eq. 1 and 2, section 3.1 of MyStyle)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from mystyle.anchors import Anchors
from mystyle.losses import reconstruction
from mystyle.perceptual import PerceptualDistance
from mystyle.stylegan2 import Generator, set_precision
from mystyle.training import require_finite, train
from mystyle.types import Image


@dataclass(frozen=True)
class TuningSettings:
    """How Eq. 2 is minimised. The defaults are the official code's; the text says only that they are PTI's."""

    passes: int = 1000
    """passes over the reference set; the official code calls them steps"""
    batch: int = 1
    """photos per optimiser step"""
    learning_rate: float = 3e-4
    """of Adam (0.9, 0.999)"""
    schedule: Literal["constant", "cosine"] = "constant"
    """cosine falls from learning_rate to zero over the whole tuning"""
    shuffle: bool = False
    """a new order of the photos in every pass instead of the file order"""
    l2_weight: float = 1.0
    """lambda_L2 of Eq. 1"""
    precision: Literal["float32", "bfloat16"] = "float32"
    """of the generator's activations; weights and losses are float32. bfloat16 pays where the processor has it"""
    checkpointing: bool = False
    """activations are computed again in the backward pass instead of kept: for 1024 px in little memory"""


class Tuning(pl.LightningModule):
    """Eq. 2 over batches of (anchor [n, w_dim], photo [n, 3, R, R]).

    Every parameter of the synthesis network is trained; mapping, noise maps and filters are not touched.
    """

    def __init__(self, generator: Generator, perceptual: PerceptualDistance, settings: TuningSettings):
        super().__init__()
        self.synthesis = generator.synthesis
        self.settings = settings
        self._perceptual = (perceptual,)  # in a tuple: fixed, hence no part of the trained module

    def training_step(self, batch: tuple[Tensor, Image], _: int) -> Tensor:
        (perceptual,) = self._perceptual
        w, x = batch
        with torch.no_grad():
            features = perceptual.features(x)
        ws = w[:, None].expand(-1, self.synthesis.num_ws, -1)
        loss = reconstruction(
            perceptual, self.synthesis(ws, noise="const"), x, features, self.settings.l2_weight
        ).mean()
        require_finite(loss, "tuning", self.global_step)
        return loss

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.synthesis.parameters(), self.settings.learning_rate, fused=True)
        if self.settings.schedule == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}


def tune(
    generator: Generator,
    anchors: Anchors,
    photos: Image,
    perceptual: PerceptualDistance,
    settings: TuningSettings,
    *,
    seed: int,
) -> Generator:
    """A personal copy G_p of ``generator`` that renders ``photos`` [N, 3, R, R] from ``anchors``, frozen.

    ``seed`` decides the order of the photos and nothing else. Raises ValueError if photos, anchors and generator do
    not fit together, FloatingPointError with the step if the loss ceases to be finite.
    """
    expected = (len(anchors), 3, generator.resolution, generator.resolution)
    if tuple(photos.shape) != expected:
        raise ValueError(f"tuning: photos of shape {tuple(photos.shape)}, anchors and generator want {expected}")
    personal = copy.deepcopy(generator).requires_grad_(False)
    personal.synthesis.requires_grad_(True)
    set_precision(personal, getattr(torch, settings.precision))
    personal.set_checkpointing(settings.checkpointing)
    batches = DataLoader(
        TensorDataset(anchors.codes, photos),
        settings.batch,
        shuffle=settings.shuffle,
        generator=torch.Generator().manual_seed(seed),
    )
    module = Tuning(personal, perceptual, settings)
    train(module, batches, stage="tuning", epochs=settings.passes, device=anchors.codes.device)
    set_precision(personal, torch.float32)
    return personal.set_checkpointing(False).requires_grad_(False)
