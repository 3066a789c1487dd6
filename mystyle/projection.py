"""Projection into a prior: the code whose image, degraded, is the given image (section 3.3 of MyStyle, Eq. 5-11).

Many images are projected at once. Each has variables of its own, losses are summed over images and Adam works
elementwise, so row i of a result does not depend on the other rows beyond floating-point rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from mystyle.latents.anchors import Anchors
from mystyle.latents.subspace import AlphaCode, constrain, dilation, to_w
from mystyle.losses import offset_norm, reconstruction, regularised_layers, sum_penalty
from mystyle.networks.features import PerceptualDistance
from mystyle.networks.stylegan2 import Generator
from mystyle.progress import report
from mystyle.types import LENGTH, Degradation, Image, W, WPlus


@dataclass(frozen=True)
class DescentSettings:
    """What every projection shares; the defaults are those of StyleGAN2's projection code."""

    steps: int = field(default=1000, metadata=LENGTH)
    """of Adam (0.9, 0.999); the last iterate is returned, not the best"""
    learning_rate: float = 0.1
    """at its peak"""
    ramps: bool = True
    """the learning rate rises linearly over the first 5 % of the steps and falls as a cosine over the last 25 %"""
    l2_weight: float = 1.0
    """lambda_L2 of Eq. 1"""
    patience: int | None = None
    """steps after which an image stops, its best objective not having fallen by ``least_gain``; None: all steps"""
    least_gain: float = 0.01
    """relative"""
    batch: int = 16
    """images projected at once; decides memory and speed, not the result"""


@dataclass(frozen=True)
class ProjectionSettings(DescentSettings):
    """Projection to alpha+ space. The defaults are the paper's text, ``OFFICIAL_CODE`` below is the released code."""

    space: Literal["alpha", "alpha+"] = "alpha+"
    """whether layers share their coordinates (P_beta) or each has its own (P+_beta)"""
    beta: float | None = 0.02
    """dilation: 0.02 for inpainting, 0.05 for super-resolution, None for no bound"""
    sharpness: float = 100.0
    """s of Eq. 7"""
    offset_weight: float = 10.0
    """lambda_d-reg of Eq. 10"""
    sum_weight: float = 1.0
    """weight of L_sum in Eq. 10"""
    sum_of: Literal["constrained", "raw"] = "constrained"
    """whether Eq. 8 looks at the coordinates after or before Eq. 7"""
    normalize: Literal["result", "every step"] = "result"
    """when coordinates are divided by their sum: once, at the end, or also before each rendering"""


OnStep = Callable[[int, Tensor], None]
CHECKED_EVERY = 25  # steps between two looks at the objective

PAPER_TEXT = ProjectionSettings()
OFFICIAL_CODE = ProjectionSettings(
    learning_rate=5e-3, ramps=False, sum_weight=10.0, sum_of="raw", normalize="every step"
)


@dataclass(frozen=True)
class LatentProjectionSettings(DescentSettings):
    """Projection to W or W+ after StyleGAN2's projection code, without its optimisation of the noise maps."""

    space: Literal["w", "w+"] = "w+"
    exploration: float = 0.05
    """standard deviation of the noise on w at the start, in ``LatentStatistics.std``; zero from 75 % of the steps on"""


@dataclass(frozen=True)
class Projection:
    """n projected images."""

    w: WPlus
    """[n, num_ws, w_dim]"""
    images: Image
    """I_e = G(w), [n, 3, R, R], not clamped"""
    losses: Tensor
    """the objective of every image at every step, [n, steps]; after an image stopped, NaN"""


@dataclass(frozen=True)
class AlphaProjection(Projection):
    code: AlphaCode

    @property
    def dilation(self) -> Tensor:
        """The least beta whose alpha+ space contains the code: [n]."""
        return dilation(self.code.alpha).amax(dim=1)


@dataclass(frozen=True)
class LatentStatistics:
    """Where the codes of a mapping network lie; the projector's starting point and unit of length."""

    mean: W
    """[w_dim]"""
    std: float
    """sqrt(E ||w - mean||^2): one number, the RMS distance from the mean and not a deviation per coordinate"""


@torch.no_grad()
def latent_statistics(generator: Generator, samples: int = 10_000) -> LatentStatistics:
    """From the fixed 10,000 z (seed 123) that StyleGAN2's projector takes."""
    z = torch.randn(samples, generator.z_dim, generator=torch.Generator().manual_seed(123))
    w = generator.mapping(z.to(generator.mapping.w_avg))[:, 0]
    mean = w.mean(dim=0)
    return LatentStatistics(mean, (w - mean).square().sum(dim=1).mean().sqrt().item())


def project(
    target: Image,
    degradation: Degradation,
    generator: Generator,
    anchors: Anchors,
    perceptual: PerceptualDistance,
    settings: ProjectionSettings = PAPER_TEXT,
) -> AlphaProjection:
    """Eq. 11 (Eq. 6 for ``alpha``): projects ``target`` [n, 3, h, w] = phi(unknown image) into P+_beta of ``anchors``.

    All images start at the centre of P, alpha = 1/N. Nothing is random. Raises FloatingPointError that names the image
    and the step if an objective ceases to be finite.
    """
    parts = [
        _project_batch(
            target[rows].to(anchors.codes), degradation[rows], generator, anchors, perceptual, settings, done
        )
        for rows, done in _batches(len(target), settings)
    ]
    alpha, images, losses = (torch.cat(part) for part in zip(*parts, strict=True))
    return AlphaProjection(to_w(alpha, anchors), images, losses, AlphaCode(alpha, anchors.hash))


def _project_batch(
    target: Image,
    phi: Degradation,
    generator: Generator,
    anchors: Anchors,
    perceptual: PerceptualDistance,
    settings: ProjectionSettings,
    on_step: OnStep,
) -> tuple[Tensor, Image, Tensor]:
    """alpha+ [n, num_ws, N], images and losses [n, steps] of one batch."""
    s, n, count = settings, len(target), len(anchors)
    layers = regularised_layers(generator.num_ws)
    features = _features(perceptual, target)
    alpha = target.new_full((n, 1, count), 1 / count).requires_grad_()
    delta = target.new_zeros(n, generator.num_ws, count).requires_grad_()

    def objective(_: int) -> Tensor:
        """Eq. 10. Offsets are added before Eq. 7, as in the official code, so that every layer obeys the bound."""
        raw = alpha + delta
        constrained = constrain(raw, s.beta, s.sharpness, normalize=False)
        rendered = constrain(constrained, beta=None) if s.normalize == "every step" else constrained
        output = phi(generator.synthesis(to_w(rendered, anchors), noise="const"))
        return (
            reconstruction(perceptual, output, target, features, s.l2_weight)
            + s.offset_weight * offset_norm(delta, layers)
            + s.sum_weight * sum_penalty(constrained if s.sum_of == "constrained" else raw)
        )

    losses = _descend((alpha, delta) if s.space == "alpha+" else (alpha,), objective, s, on_step)
    with torch.no_grad():
        coordinates = constrain(alpha + delta, s.beta, s.sharpness)
        return coordinates, generator.synthesis(to_w(coordinates, anchors), noise="const"), losses


def project_latent(
    target: Image,
    degradation: Degradation,
    generator: Generator,
    perceptual: PerceptualDistance,
    statistics: LatentStatistics,
    settings: LatentProjectionSettings,
    *,
    seeds: Sequence[int],
) -> Projection:
    """Eq. 5: projects ``target`` [n, 3, h, w] into W or W+ of ``generator``, from the mean code.

    ``seeds[i]`` decides the exploration noise of image i. Raises FloatingPointError as ``project`` does.
    """
    parts = [
        _project_latent_batch(
            target[rows].to(statistics.mean),
            degradation[rows],
            generator,
            perceptual,
            statistics,
            settings,
            seeds[rows],
            done,
        )
        for rows, done in _batches(len(target), settings)
    ]
    return Projection(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _project_latent_batch(
    target: Image,
    phi: Degradation,
    generator: Generator,
    perceptual: PerceptualDistance,
    statistics: LatentStatistics,
    settings: LatentProjectionSettings,
    seeds: Sequence[int],
    on_step: OnStep,
) -> tuple[WPlus, Image, Tensor]:
    """Codes, images and losses [n, steps] of one batch."""
    s = settings
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    features = _features(perceptual, target)
    free = generator.num_ws if s.space == "w+" else 1
    w = statistics.mean.repeat(len(target), free, 1).requires_grad_()

    def objective(step: int) -> Tensor:
        sigma = s.exploration * statistics.std * max(0.0, 1 - step / s.steps / 0.75) ** 2
        noise = torch.stack([torch.randn(w.shape[1:], generator=draw) for draw in draws]).to(w)
        ws = (w + sigma * noise).expand(-1, generator.num_ws, -1)
        output = phi(generator.synthesis(ws, noise="const"))
        return reconstruction(perceptual, output, target, features, s.l2_weight)

    losses = _descend((w,), objective, s, on_step)
    with torch.no_grad():
        ws = w.detach().expand(-1, generator.num_ws, -1)
        return ws, generator.synthesis(ws, noise="const"), losses


@torch.enable_grad()
def _descend(
    codes: Sequence[Tensor],
    objective: Callable[[int], Tensor],
    settings: DescentSettings,
    on_step: OnStep,
) -> Tensor:
    """Minimises ``objective(step) -> [n]`` over ``codes`` in place; its values at every step, [n, steps].

    With ``patience`` every image keeps the code it stopped with, while the rest of its batch goes on.
    """
    optimizer = torch.optim.Adam(codes, betas=(0.9, 0.999))
    losses = codes[0].new_full((len(codes[0]), settings.steps), torch.nan)
    stops = Stops(codes, settings) if settings.patience else None
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        loss = objective(step)
        losses[:, step] = loss.detach()
        if step % CHECKED_EVERY == 0 or step == settings.steps - 1:
            _require_finite(loss, step)
        if stops and not stops.going_on(loss.detach(), step):
            break
        optimizer.zero_grad()
        loss.sum().backward(inputs=list(codes))  # with respect to the codes only: no gradients of weights are computed
        optimizer.step()
        on_step(step + 1, loss)
    if stops:
        stops.restore(losses)
        on_step(settings.steps, loss)
    return losses


class Stops:
    """When each image of a batch has stopped, and with which code."""

    def __init__(self, codes: Sequence[Tensor], settings: DescentSettings):
        self.codes, self.settings = codes, settings
        self.kept = [code.detach().clone() for code in codes]
        self.running = torch.ones(len(codes[0]), dtype=torch.bool, device=codes[0].device)
        self.last = torch.full_like(self.running, settings.steps - 1, dtype=torch.long)  # step of the code
        self.best = torch.full_like(self.running, torch.inf, dtype=torch.float32)
        self.gained = torch.zeros_like(self.last)  # step of the last gain

    def going_on(self, loss: Tensor, step: int) -> bool:
        """Takes note of the objective at ``step``, before its update; False once no image runs."""
        gain = loss < self.best * (1 - self.settings.least_gain)
        self.best = torch.where(gain, loss, self.best)
        self.gained = torch.where(gain, step, self.gained)
        stopping = self.running & (step - self.gained >= self.settings.patience)
        self.last[stopping] = step
        for kept, code in zip(self.kept, self.codes, strict=True):
            kept[stopping] = code.detach()[stopping]
        self.running &= ~stopping
        return bool(self.running.any())

    @torch.no_grad()
    def restore(self, losses: Tensor) -> None:
        """Puts the codes of the stopped images back, and NaN for what came after."""
        for kept, code in zip(self.kept, self.codes, strict=True):
            code[~self.running] = kept[~self.running]
        steps = torch.arange(losses.shape[1], device=losses.device)
        losses[steps > self.last[:, None]] = torch.nan


def _require_finite(loss: Tensor, step: int) -> None:
    finite = loss.isfinite()
    if not finite.all():
        image = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"projection: the objective of image {image} of its batch became {loss[image].item()} by step {step}; "
            "lower learning_rate"
        )


def learning_rate(step: int, settings: DescentSettings) -> float:
    """StyleGAN2's schedule where ``ramps``, else constant. With ramps it is zero at step 0."""
    if not settings.ramps:
        return settings.learning_rate
    t = step / settings.steps
    up, down = min(1.0, t / 0.05), min(1.0, (1 - t) / 0.25)
    return settings.learning_rate * up * (0.5 - 0.5 * math.cos(math.pi * down))


@torch.no_grad()
def _features(perceptual: PerceptualDistance, target: Image) -> tuple[Tensor, ...]:
    """The target's features, computed once for all steps."""
    return perceptual.features(target)


def _batches(n: int, settings: DescentSettings) -> Iterator[tuple[slice, OnStep]]:
    """Slices of at most ``settings.batch`` of n rows, each with what reports its steps as a part of the whole."""
    starts = range(0, n, settings.batch)
    for i, start in enumerate(starts):
        rows = slice(start, min(start + settings.batch, n))

        def on_step(step: int, loss: Tensor, i: int = i) -> None:
            value = (
                float(loss.detach().mean()) if step % CHECKED_EVERY == 0 else None
            )  # rarely: a GPU would wait for it
            report("projection", i * settings.steps + step, len(starts) * settings.steps, value)

        yield rows, on_step
