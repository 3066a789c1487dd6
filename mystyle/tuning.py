"""Tuning: the domain's generator becomes a personal one (Eq. 1 and 2, section 3.1 of MyStyle)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset

from mystyle.digests import digest, fingerprint
from mystyle.latents.anchors import Anchors
from mystyle.latents.statistics import latent_statistics
from mystyle.locality import Locality, locality_loss
from mystyle.losses import reconstruction
from mystyle.precision import InPrecision, computing_in
from mystyle.roles import Generator, PerceptualDistance
from mystyle.training import require_finite, train
from mystyle.types import LENGTH, Image, W


@dataclass(frozen=True)
class TuningSettings(InPrecision):
    """How Eq. 2 is minimised. The defaults are the official code's; the text says only that they are PTI's."""

    epochs: int = field(default=1000, metadata=LENGTH)
    """passes over the reference set; the official code calls them steps"""
    batch: int = 1
    """photos per optimiser step"""
    learning_rate: float = 3e-4
    """of Adam (0.9, 0.999)"""
    schedule: Literal["constant", "cosine"] = "constant"
    """cosine falls from learning_rate to zero over the whole tuning"""
    shuffle: bool = False
    """a new order of the photos in every epoch instead of the file order"""
    l2_weight: float = 1.0
    """lambda_L2 of Eq. 1"""
    checkpointing: bool = False
    """activations are computed again in the backward pass instead of kept: for 1024 px in little memory"""
    stop_below: float | None = None
    """tuning ends after an epoch in which the perceptual distance was below this in the mean; PTI stops at 0.06"""
    locality_weight: float = 0.0
    """lambda_R of PTI's locality regularisation (its Eq. 7: 0.1), which MyStyle omits on purpose"""
    locality_distance: float = 0.78
    """alpha of PTI's Eq. 4 in units of the RMS distance of codes from their mean; its 30 is this on FFHQ"""


OFFICIAL_CODE = TuningSettings(
    epochs=1000,  # hyperparams.py, tune_steps; the text: PTI's hyper-parameters (B.2), whose 350 are of one photo
    batch=1,  # tune_net.py
    learning_rate=3e-4,  # hyperparams.py, tune_lr, and PTI's
    schedule="constant",  # tune_net.py
    shuffle=False,  # train.py: sorted file names
    l2_weight=1.0,  # B.2
    stop_below=None,  # B.2: no early stopping
    locality_weight=0.0,  # 3.1: no regularisation
    precision="float32",  # tune_net.py, force_fp32
)
"""The letter: where the paper's text says something of tuning, the released code does the same."""


class Tuning(pl.LightningModule):
    """Eq. 2 over batches of (anchor [n, w_dim], photo [n, 3, R, R]).

    Every parameter of the synthesis network is trained; mapping, noise maps and filters are not touched.
    """

    def __init__(
        self,
        generator: Generator,
        original: Generator,
        perceptual: PerceptualDistance,
        settings: TuningSettings,
        seed: int,
        identity: str = "",
    ):
        super().__init__()
        self.synthesis = generator.synthesis
        self.settings, self.seed, self.identity = settings, seed, identity
        self._fixed = original, perceptual  # in a tuple: no part of the trained module
        self._distances: list[Tensor] = []  # of this epoch

    def render(self, w: W) -> Image:
        return self.synthesis(w[:, None].expand(-1, self.synthesis.num_ws, -1), noise="const")

    def training_step(self, batch: tuple[Tensor, Image], _: int) -> Tensor:
        """Eq. 2 on a batch, and lambda_R L_R (PTI, Eq. 7) where wanted."""
        perceptual, s = self._fixed[1], self.settings
        w, x = batch
        with torch.no_grad():
            features = perceptual.features(x)
        images = self.render(w)
        loss = reconstruction(perceptual, images, x, features, s.l2_weight).mean()
        if s.stop_below is not None:
            with torch.no_grad():
                self._distances.append(perceptual.to_target(images, features))
        if s.locality_weight:
            loss = loss + s.locality_weight * self.locality(w)
        require_finite(loss, "tuning", self.global_step)
        return loss

    def locality(self, w: W) -> Tensor:
        """L_R (PTI, Eq. 4 and 5) with N_r = 1: what the tuning changes at some distance from the anchors."""
        original, perceptual = self._fixed
        s = Locality(self.settings.locality_weight, self.settings.locality_distance, l2_weight=self.settings.l2_weight)
        seed = 1_000_003 * self.seed + self.global_step  # of the step, so that a resumed run draws the same
        z = torch.randn(len(w), original.z_dim, generator=torch.Generator().manual_seed(seed)).to(w)
        return locality_loss(self.synthesis, original, perceptual, w[:, None], z, self.unit, s).mean()

    @cached_property
    def unit(self) -> float:
        """Of the distance of PTI's Eq. 4."""
        return latent_statistics(self._fixed[0]).std

    def on_train_epoch_end(self) -> None:
        s = self.settings
        if s.stop_below is not None and torch.cat(self._distances).mean() < s.stop_below:
            self.trainer.should_stop = True
        self._distances.clear()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["tuning_of"] = self.identity

    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups that are trained."""
        return [{"params": list(self.synthesis.parameters())}]

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.groups(), self.settings.learning_rate, fused=True)
        if self.settings.schedule == "constant":
            return optimizer
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}


class EpochShuffleSampler(Sampler[int]):
    """A new order of n photos in every epoch, a function of seed and epoch, so that a resumed run draws the same.

    With ``count``, an epoch has the first so many of them, at most n.
    """

    def __init__(self, n: int, seed: int, count: int | None = None):
        self.n, self.seed, self.epoch = n, seed, 0
        self.count = n if count is None else min(count, n)

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        draws = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        return iter(torch.randperm(self.n, generator=draws)[: self.count].tolist())


def tune(
    generator: Generator,
    anchors: Anchors,
    photos: Image,
    perceptual: PerceptualDistance,
    settings: TuningSettings,
    *,
    seed: int,
    checkpoint: Path | None = None,
    interval: float = 60.0,
) -> Generator:
    """A personal copy G_p of ``generator`` that renders ``photos`` [N, 3, R, R] from ``anchors``, frozen.

    ``seed`` decides the order of the photos and the codes of the locality regularisation. A tuning that was stopped
    goes on from the file ``checkpoint``, written every ``interval`` seconds, to the same result. Raises ValueError if
    photos, anchors and generator do not fit together or the checkpoint is not of this tuning, FloatingPointError with
    the step if the loss ceases to be finite.
    """
    expected = (len(anchors), 3, generator.resolution, generator.resolution)
    if tuple(photos.shape) != expected:
        raise ValueError(f"tuning: photos of shape {tuple(photos.shape)}, anchors and generator want {expected}")
    personal = copy.deepcopy(generator).requires_grad_(False)
    identity = ""
    if checkpoint:  # photos and weights can be gigabytes
        identity = f"{anchors.hash} {digest(photos)} {fingerprint(generator)} {settings} seed {seed}"
    module = Tuning(personal, generator, perceptual, settings, seed, identity)
    minimise(module, personal, anchors.codes, photos, checkpoint, interval)
    return personal


def minimise(
    module: Tuning, personal: Generator, codes: Tensor, photos: Image, checkpoint: Path | None, interval: float = 60.0
) -> None:
    """Runs ``module`` over batches of (``codes``, ``photos``), all of ``personal``'s synthesis being trained."""
    settings, device = module.settings, photos.device
    personal.synthesis.requires_grad_(True)
    personal.set_checkpointing(settings.checkpointing)
    pairs = TensorDataset(codes, photos)
    order = EpochShuffleSampler(len(pairs), module.seed) if settings.shuffle else None
    spare = torch.Generator()  # a loader draws a seed for its workers, of which there are none, from the global one
    batches = DataLoader(pairs, settings.batch, sampler=order, generator=spare)
    with computing_in(settings.precision, personal):
        train(
            module,
            batches,
            stage="tuning",
            epochs=settings.epochs,
            device=device,
            checkpoint=checkpoint,
            interval=interval,
        )
    personal.set_checkpointing(False).requires_grad_(False)
