"""Projection into a prior: the code whose image, degraded, is the given image (section 3.3 of MyStyle, Eq. 5-11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from mystyle.descent import Constant, DescentSettings, OnStep, Ramps, descend, in_batches
from mystyle.editing import AlphaCodes
from mystyle.inversion import Inversion, OwnNoise, SharedGenerator
from mystyle.latents.anchors import Anchors
from mystyle.latents.noise_maps import autocorrelation, normalise, random_maps
from mystyle.latents.statistics import LatentStatistics
from mystyle.latents.subspace import AlphaCode, constrain, dilation, softmax_coordinates, to_w, unconstrained_centre
from mystyle.losses import offset_norm, reconstruction, regularised_layers, sum_penalty
from mystyle.precision import computing_in
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Degradation, Image, WPlus

STAGE = "projection"


@dataclass(frozen=True)
class ProjectionSettings(DescentSettings):
    """Projection to alpha+ space. The defaults are the paper's text, ``OFFICIAL_CODE`` below is the released code.

    Coordinates are divided by their sum before every rendering: "explicitly normalize" (section 3.3) is what the
    released code and the work that the paper cites for it, QuaterNet, do at every step, beside a penalty on the sum.
    """

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
    coordinates: Literal["softplus", "softmax"] = "softplus"
    """what keeps them in A_beta: Eq. 7, or ``softmax_coordinates``, under which Eq. 8 always holds"""

    def __post_init__(self) -> None:
        if self.coordinates == "softmax" and self.beta is None:
            raise ValueError("projection: softmax coordinates are bounded, so that beta must be a number")

    def bounded(self, raw: Tensor) -> Tensor:
        """Unrestricted coordinates [..., N] within the bound; by Eq. 7 their sum is free."""
        if self.coordinates == "softmax" and self.beta is not None:
            return softmax_coordinates(raw, self.beta)
        return constrain(raw, self.beta, self.sharpness, normalize=False)

    def start(self, count: int) -> float:
        """The unrestricted coordinate, alike in all ``count`` anchors, that the centre of P has (B.2).

        Every number gives the centre once it is normalised; this one leaves nothing for Eq. 8 to mend.
        """
        if self.coordinates == "softmax":
            return 0.0
        return 1 / count if self.sum_of == "raw" else unconstrained_centre(count, self.beta, self.sharpness)


PAPER_TEXT = ProjectionSettings(
    space="alpha+",  # 3.3, and 4.2: superior to alpha
    coordinates="softplus",  # Eq. 7
    beta=0.02,  # 5.2.1, inpainting; suites set 0.05 for super-resolution (5.2.2)
    sharpness=100.0,  # B.2
    l2_weight=1.0,  # B.2
    offset_weight=10.0,  # B.2
    sum_weight=1.0,  # Eq. 10
    sum_of="constrained",  # Eq. 8
    steps=1000,  # B.2: the number of steps, the optimiser and the schedule of the rate are StyleGAN2's projector's
    schedule=Ramps(0.1, up=0.05, down=0.25),  # B.2, likewise
)
OFFICIAL_CODE = replace(
    PAPER_TEXT,
    beta=0.03,  # project.py
    sum_weight=10.0,  # hyperparams.py, sum_1_reg_weight
    sum_of="raw",  # alpha_projector.py
    schedule=Constant(5e-3),  # hyperparams.py, projection_lr
)


@dataclass(frozen=True)
class LatentProjectionSettings(DescentSettings):
    """Projection to W or W+ after StyleGAN2's projection code."""

    space: Literal["w", "w+"] = "w+"
    exploration: float = 0.05
    """standard deviation of the noise on w at the start, in ``LatentStatistics.std``; zero from 75 % of the steps on"""


class CodeSpace(Protocol):
    """Coordinates of codes, which descend in the place of the codes."""

    def __call__(self, ws: WPlus) -> Tensor:
        """Coordinates of codes, of the same shape."""
        ...

    def codes(self, v: Tensor) -> WPlus:
        """The inverse."""
        ...


class CodeRegulariser(Protocol):
    """What keeps codes where they can be edited. It is given what descends, [n, 1 or num_ws, w_dim]."""

    def penalty(self, w: Tensor) -> Tensor:
        """[n], a term of the objective."""
        ...

    def constrained(self, w: Tensor) -> Tensor:
        """What comes in its place after a step, without gradients."""
        ...


@dataclass(frozen=True, kw_only=True)
class AlphaInversion(AlphaCodes, Inversion):
    """n images found in the prior of somebody's anchors."""

    beta: float | None
    """the bound of the projection"""

    @property
    def dilation(self) -> Tensor:
        """The least beta whose alpha+ space contains the code: [n]."""
        return dilation(self.code.alpha).amax(dim=1)

    @property
    def facts(self) -> Mapping[str, Tensor]:
        bound = torch.inf if self.beta is None else self.beta
        return {"dilation": self.dilation.cpu(), "bound": torch.full((len(self),), bound)}

    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors(), "alpha": self.code.alpha}


def project(
    target: Image,
    degradation: Degradation,
    generator: Generator,
    anchors: Anchors,
    perceptual: PerceptualDistance,
    settings: ProjectionSettings = PAPER_TEXT,
) -> AlphaInversion:
    """Eq. 11 (Eq. 6 for ``alpha``): projects ``target`` [n, 3, h, w] = phi(unknown image) into P+_beta of ``anchors``.

    All images start at the centre of P, alpha = 1/N. Nothing is random. Raises FloatingPointError that names the image
    and the step if an objective ceases to be finite.
    """

    def find(rows: slice, on_step: OnStep) -> tuple[Tensor, ...]:
        batch = target[rows].to(anchors.codes)
        return _project_batch(batch, degradation[rows], generator, anchors, perceptual, settings, on_step)

    alpha, images, losses = in_batches(len(target), settings, STAGE, find)
    return AlphaInversion(
        ws=to_w(alpha, anchors),
        renderer=SharedGenerator(generator),
        rows=tuple(range(len(alpha))),
        images=images,
        losses=losses,
        code=AlphaCode(alpha, anchors.hash),
        anchors=anchors,
        beta=settings.beta,
    )


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
    softmax = s.coordinates == "softmax"
    alpha = target.new_full((n, 1, count), s.start(count)).requires_grad_()
    delta = target.new_zeros(n, generator.num_ws, count).requires_grad_()

    def objective(_: int) -> Tensor:
        """Eq. 10. Offsets are added before Eq. 7, as in the official code, so that every layer obeys the bound."""
        raw = alpha + delta
        constrained = s.bounded(raw)
        offsets = constrained - s.bounded(alpha) if softmax else delta  # numbers under a softmax have no scale
        output = phi(generator.synthesis(to_w(constrain(constrained, beta=None), anchors), noise="const"))
        return (
            reconstruction(perceptual, output, target, features, s.l2_weight)
            + s.offset_weight * offset_norm(offsets, layers)
            + s.sum_weight * sum_penalty(constrained if s.sum_of == "constrained" else raw)
        )

    with computing_in(s.precision, generator):
        losses = descend((alpha, delta) if s.space == "alpha+" else (alpha,), objective, s, on_step=on_step)
    with torch.no_grad():
        coordinates = constrain(s.bounded(alpha + delta), beta=None)
        return coordinates, generator.synthesis(to_w(coordinates, anchors), noise="const"), losses


def project_latent(
    target: Image,
    degradation: Degradation,
    generator: Generator,
    perceptual: PerceptualDistance,
    statistics: LatentStatistics,
    settings: LatentProjectionSettings,
    *,
    seeds: Sequence[int] | None = None,
    regulariser: CodeRegulariser | None = None,
    coordinates: CodeSpace | None = None,
    noise_weight: float | None = None,
) -> Inversion:
    """Eq. 5: projects ``target`` [n, 3, h, w] into W or W+ of ``generator``, from the mean code.

    ``seeds[i]`` decides what is random of image i, and is i where there are none. The paper has none of the rest:
    ``regulariser`` has a say in the codes; with ``coordinates`` those of the codes descend and not the codes; with
    ``noise_weight``, that of their regulariser, noise maps descend too, from random ones of each image, and belong to
    what is found. Raises FloatingPointError as ``project`` does.
    """
    seeds = range(len(target)) if seeds is None else seeds

    def find(rows: slice, on_step: OnStep) -> tuple[Tensor, ...]:
        return _project_latent_batch(
            target[rows].to(statistics.mean),
            degradation[rows],
            generator,
            perceptual,
            statistics,
            settings,
            seeds[rows],
            regulariser,
            coordinates,
            noise_weight,
            on_step,
        )

    ws, images, losses, *maps = in_batches(len(target), settings, STAGE, find)
    renderer = OwnNoise(generator, tuple(maps)) if maps else SharedGenerator(generator)
    return Inversion.of(renderer, ws, images, losses)


def _project_latent_batch(
    target: Image,
    phi: Degradation,
    generator: Generator,
    perceptual: PerceptualDistance,
    statistics: LatentStatistics,
    settings: LatentProjectionSettings,
    seeds: Sequence[int],
    regulariser: CodeRegulariser | None,
    coordinates: CodeSpace | None,
    noise_weight: float | None,
    on_step: OnStep,
) -> tuple[Tensor, ...]:
    """Codes, images, losses [n, steps] and the noise maps, if they descend, of one batch."""
    s, r = settings, regulariser
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    features = _features(perceptual, target)
    free = generator.num_ws if s.space == "w+" else 1
    mean = statistics.mean.repeat(len(target), free, 1)
    w = (coordinates(mean) if coordinates else mean).requires_grad_()
    maps = [] if noise_weight is None else [n.to(w).requires_grad_() for n in random_maps(generator.synthesis, draws)]

    def codes() -> WPlus:
        return coordinates.codes(w) if coordinates else w

    def objective(step: int) -> Tensor:
        sigma = s.exploration * statistics.std * max(0.0, 1 - step / s.steps / 0.75) ** 2
        noise = torch.stack([torch.randn(w.shape[1:], generator=draw) for draw in draws]).to(w)
        ws = (codes() + sigma * noise).expand(-1, generator.num_ws, -1)
        output = phi(generator.synthesis(ws, noise=maps or "const"))
        loss = reconstruction(perceptual, output, target, features, s.l2_weight)
        if noise_weight is not None:
            loss = loss + noise_weight * autocorrelation(maps)
        return loss + r.penalty(w) if r else loss

    def after_step(_: int) -> None:
        if r:
            w.copy_(r.constrained(w))
        normalise(maps)

    with computing_in(s.precision, generator):
        losses = descend((w, *maps), objective, s, after_step=after_step, on_step=on_step)
    with torch.no_grad():
        ws = codes().detach().expand(-1, generator.num_ws, -1)
        found = [n.detach() for n in maps]
        return ws, generator.synthesis(ws, noise=found or "const"), losses, *found


@torch.no_grad()
def _features(perceptual: PerceptualDistance, target: Image) -> tuple[Tensor, ...]:
    """The target's features, computed once for all steps."""
    return perceptual.features(target)
