"""S2E, StyleGAN2Encoder (robertluxemburg/stylegan2encoder): the code of an encoder descends in W+, briefly.

II2S compares with it. There is no paper; losses, weights and optimiser are the released code's defaults, as far as a
domain has the networks. ``baselines/README.md`` says what is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.common.embedding import ByDescent, Embedding
from mystyle.descent import DescentSettings, Exponential, OnStep, Schedule, descend
from mystyle.precision import computing_in
from mystyle.similarity import ms_ssim
from mystyle.types import LENGTH, Image, WPlus

WINDOW, MOMENTUM, EPSILON = 10, 0.9, 1e-4  # of GGT


@dataclass(frozen=True)
class S2eSettings(DescentSettings):
    steps: int = field(default=100, metadata=LENGTH)
    schedule: Schedule = field(default=Exponential(0.25, 0.9, 25))
    l2_weight: float = 0.0
    """the pixel term is the next"""
    pixel_weight: float = 1.5
    """of the mean log cosh of differences of pixels in [0, 255]"""
    structure_weight: float = 200.0
    """of 1 - MS-SSIM"""
    perceptual_weight: float = 100.0
    mean_weight: float = 0.5
    """of the distance from the mean code: the sum of absolute values, averaged over layers"""
    discriminator_weight: float = 0.5
    """of softplus(-D(x)); a domain without a discriminator cannot have it"""
    average: float = 0.25
    """share of what was best before in the code that is kept when the objective falls below its minimum"""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    invert: S2eSettings = field(default_factory=S2eSettings)
    """decides inversions"""


class Ggt(torch.optim.Optimizer):
    """GGT (Agarwal et al., "Efficient Full-Matrix Adaptive Regularization", 2019, Algorithm 1), row by row.

    x <- x - rate [(G G^T)^1/2 + eps I]^-1 m, where G has the last ``WINDOW`` averaged gradients m of a row for columns.
    m is one of them, so that with G^T G = V S^2 V^T and U = G V S^-1 the step is U (S + eps)^-1 U^T m.
    """

    def __init__(self, variables: Sequence[Tensor]):
        super().__init__(variables, {"lr": 1.0})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """A step of the group's rate, whose norm is about the rate: it is of all numbers of a row together."""
        for group in self.param_groups:
            for x in group["params"]:
                state = self.state[x]
                gradient = x.grad.flatten(1).double()
                window = state.get("window", [])
                m = (1 - MOMENTUM) * gradient + (MOMENTUM * window[0] if window else 0)
                state["window"] = window = [m, *window][:WINDOW]
                g = torch.stack(window, dim=2)
                squares, v = torch.linalg.eigh(g.mT @ g)  # ascending
                squares = squares.clamp_min(0)
                s = squares.sqrt()
                known = squares > 1e-12 * squares[:, -1:]  # the others are rounding
                u = torch.where(known[:, None], g @ v / s.clamp_min(1e-300)[:, None], 0)
                step = u @ ((u.mT @ m[:, :, None]) / (s + EPSILON)[:, :, None])
                x -= group["lr"] * step[:, :, 0].reshape_as(x).to(x)


def log_cosh(x: Tensor) -> Tensor:
    """Without overflow."""
    return x.abs() + F.softplus(-2 * x.abs()) - math.log(2)


class S2ePrior(ByDescent[Settings]):
    def found(self, target: Image, on_step: OnStep) -> tuple[WPlus, Tensor]:
        """All images start at their encoder's codes."""
        s, d = self.settings.invert, self.domain
        judge = d.needed("discriminator") if s.discriminator_weight else None
        with torch.no_grad():
            features = d.perceptual.features(target)
            w = d.encoder(target)[:, None].repeat(1, d.generator.num_ws, 1)
        kept, least = w.clone(), target.new_full((len(target),), torch.inf)
        w.requires_grad_()

        def objective(_: int) -> Tensor:
            output = d.generator.synthesis(w, noise="const")
            loss = (
                s.pixel_weight * log_cosh(127.5 * (output - target)).mean(dim=(1, 2, 3))
                + s.structure_weight * (1 - ms_ssim(output, target))
                + s.perceptual_weight * d.perceptual.to_target(output, features)
                + s.mean_weight * (w - self.statistics.mean).abs().sum(dim=2).mean(dim=1)
            )
            if judge is not None:
                logits = torch.cat([judge(row).flatten() for row in output.split(1)])  # which compares within a batch
                loss = loss + s.discriminator_weight * F.softplus(-logits)
            keep_best(loss.detach())
            return loss

        @torch.no_grad()
        def keep_best(loss: Tensor) -> None:
            better = loss < least
            kept[better] = s.average * kept[better] + (1 - s.average) * w[better]
            least[better] = loss[better]

        with computing_in(s.precision, d.generator):
            losses = descend((w,), objective, s, optimizer=Ggt, on_step=on_step)
        return kept, losses


PAPER = S2eSettings()
ANYWHERE = replace(PAPER, discriminator_weight=0.0)
METHOD = Embedding(
    "s2e",
    "S2E",
    S2ePrior,
    {
        "smoke": Settings(invert=replace(ANYWHERE, steps=10)),
        "quick": Settings(invert=ANYWHERE),
        "full": Settings(invert=ANYWHERE),
        "paper": Settings(invert=PAPER),
    },
    does=("invert",),
)
