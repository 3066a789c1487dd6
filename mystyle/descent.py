"""Gradient descent on latent codes: the one loop of all projections and inversions.

Many images descend at once. Each has variables of its own, losses are summed over images and the optimiser works
elementwise, so row i of a result does not depend on the other rows beyond floating-point rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from mystyle.precision import InPrecision
from mystyle.progress import report
from mystyle.types import LENGTH

CHECKED_EVERY = 25  # steps between two checks of the objective: each makes a GPU wait
AfterStep = Callable[[int], None]
OnStep = Callable[[int, Tensor], None]
OptimizerFactory = Callable[[Sequence[Tensor]], torch.optim.Optimizer]


class Schedule(Protocol):
    """The learning rate over a descent; a frozen dataclass, because it is part of a method's settings."""

    def __call__(self, step: int, steps: int) -> float:
        """The rate at ``step`` (from 0) of ``steps``."""
        ...


@dataclass(frozen=True)
class Constant:
    rate: float

    def __call__(self, step: int, steps: int) -> float:
        return self.rate


@dataclass(frozen=True)
class Ramps:
    """StyleGAN2's projector: linear over the first 5 % of the steps, a cosine over the last 25 %. Zero at step 0."""

    peak: float
    up: float = 0.05
    down: float = 0.25

    def __call__(self, step: int, steps: int) -> float:
        t = step / steps
        up, down = min(1.0, t / self.up), min(1.0, (1 - t) / self.down)
        return self.peak * up * (0.5 - 0.5 * math.cos(math.pi * down))


@dataclass(frozen=True)
class Exponential:
    """``start`` times ``factor`` after each of ``parts`` equal parts of the descent (S2E: 0.25, 0.9, 25 parts)."""

    start: float
    factor: float
    parts: int

    def __call__(self, step: int, steps: int) -> float:
        return self.start * self.factor ** (step * self.parts // steps)


@dataclass(frozen=True)
class Triangular:
    """PULSE's code (0.4): over 90 % of the steps from a tenth of ``peak`` up to it and back, then to a thousandth."""

    peak: float

    def __call__(self, step: int, steps: int) -> float:
        t = step / steps
        return self.peak * (1 - 0.9 * abs(t / 0.45 - 1) if t < 0.9 else 0.1 - 0.099 * (t - 0.9) / 0.1)


@dataclass(frozen=True)
class Phases:
    """One schedule after the other; ``parts`` are (share of the steps, schedule), each of which begins anew."""

    parts: tuple[tuple[float, Schedule], ...]

    def __call__(self, step: int, steps: int) -> float:
        begin = 0
        for i, (share, schedule) in enumerate(self.parts):
            end = steps if i == len(self.parts) - 1 else begin + round(share * steps)
            if step < end:
                return schedule(step - begin, end - begin)
            begin = end
        raise ValueError(f"step {step} is beyond the {steps} steps of the schedule")


@dataclass(frozen=True)
class DescentSettings(InPrecision):
    """What every projection shares; the defaults are those of StyleGAN2's projection code."""

    steps: int = field(default=1000, metadata=LENGTH)
    """the last iterate is returned, not the best"""
    schedule: Schedule = Ramps(0.1)
    """of the learning rate"""
    l2_weight: float = 1.0
    """lambda_L2 of Eq. 1"""
    batch: int = 16
    """images that descend at once; decides memory and speed, not the result"""


def adam(variables: Sequence[Tensor]) -> torch.optim.Optimizer:
    """Adam (0.9, 0.999); the rate comes from the schedule."""
    return torch.optim.Adam(variables, betas=(0.9, 0.999))


@torch.enable_grad()
def descend(
    variables: Sequence[Tensor],
    objective: Callable[[int], Tensor],
    settings: DescentSettings,
    *,
    optimizer: OptimizerFactory = adam,
    after_step: AfterStep | None = None,
    on_step: OnStep = lambda step, loss: None,
) -> Tensor:
    """Minimises ``objective(step) -> [n]`` over ``variables`` [n, ...] in place; its values at every step, [n, steps].

    ``after_step(step)`` may change the variables after each update, in place (II2S clips, PULSE returns to a sphere,
    noise maps are normalised); it runs without gradients. ``on_step`` is given the number of steps done and the
    objective, to report them. Raises FloatingPointError that names image and step if an objective ceases to be finite.
    """
    s = settings
    descent = optimizer(variables)
    losses = variables[0].new_full((len(variables[0]), s.steps), torch.nan)
    for step in range(s.steps):
        for group in descent.param_groups:
            group["lr"] = s.schedule(step, s.steps)
        loss = objective(step)
        losses[:, step] = loss.detach()
        if step % CHECKED_EVERY == 0 or step == s.steps - 1:
            _require_finite(loss, step)
        descent.zero_grad()
        loss.sum().backward(inputs=list(variables))  # no gradients of weights are computed
        descent.step()
        if after_step:
            with torch.no_grad():
                after_step(step)
        on_step(step + 1, loss)
    return losses


def in_batches(
    n: int, settings: DescentSettings, stage: str, find: Callable[[slice, OnStep], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    """What ``find(rows, on_step)`` gives of the rows of each of ``batches``, put together."""
    parts = [find(rows, on_step) for rows, on_step in batches(n, settings, stage)]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def batches(n: int, settings: DescentSettings, stage: str) -> Iterator[tuple[slice, OnStep]]:
    """Slices of at most ``settings.batch`` of n rows, each with an ``on_step`` that reports its part of the whole."""
    starts = range(0, n, settings.batch)
    for i, start in enumerate(starts):

        def on_step(step: int, loss: Tensor, i: int = i) -> None:
            value = float(loss.detach().mean()) if step % CHECKED_EVERY == 0 else None
            report(stage, i * settings.steps + step, len(starts) * settings.steps, value)

        yield slice(start, min(start + settings.batch, n)), on_step


def _require_finite(loss: Tensor, step: int) -> None:
    finite = loss.isfinite()
    if not finite.all():
        image = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"projection: the objective of image {image} of its batch became {loss[image].item()} by step {step}; "
            "lower the learning rate"
        )
