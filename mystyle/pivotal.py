"""Pivotal tuning (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021, Eq. 2, 3 and 7)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mystyle.latents.statistics import latent_statistics
from mystyle.locality import Locality, locality_loss
from mystyle.roles import Generator, PerceptualDistance
from mystyle.training import require_finite
from mystyle.types import LENGTH, Degradation, Image, WPlus


@dataclass(frozen=True)
class PivotalTuning:
    """Eq. 3; the defaults are those of PTI's code, where locality regularisation is off."""

    steps: int = field(default=350, metadata=LENGTH)
    learning_rate: float = 3e-4
    """of Adam (0.9, 0.999)"""
    l2_weight: float = 1.0
    """lambda_L2"""
    stop_below: float = 0.06
    """the perceptual distance at which tuning ends, checked before every step; the text has no such end, 0"""


def tune_at_pivot(
    generator: Generator, w: WPlus, target: Image, phi: Degradation, perceptual: PerceptualDistance, s: PivotalTuning
) -> Generator:
    """A copy of ``generator`` with min over theta of Eq. 1 between phi(G_theta(w)) and ``target`` (Eq. 2), frozen.

    ``w`` is [1, num_ws, w_dim], ``target`` [1, 3, h, w]. Raises FloatingPointError if the loss ceases to be finite.
    """
    return tune_at_pivots(generator, w, target, phi, perceptual, s)[0]


@torch.enable_grad()
def tune_at_pivots(
    generator: Generator,
    w: WPlus,
    target: Image,
    phi: Degradation,
    perceptual: PerceptualDistance,
    s: PivotalTuning,
    locality: Locality | None = None,
    pivot_rate: float = 0.0,
    seeds: Sequence[int] = (),
    in_turn: bool = False,
) -> tuple[Generator, WPlus, int]:
    """Eq. 3 for n images at a time: one generator for all, frozen, their codes, and the number of steps that were made.

    ``w`` is [n, 1 or num_ws, w_dim], ``target`` [n, 3, h, w]. ``locality`` makes it Eq. 7, whose codes at pivot i are
    drawn with ``seeds[i]``. With a ``pivot_rate`` Adam moves the codes, too (Figure 16, E and F). ``in_turn``: a step
    goes through the images with an update for each, to the end, as in the released code, rather than one by their
    mean. Raises FloatingPointError if the loss ceases to be finite.
    """
    tuned = copy.deepcopy(generator)
    tuned.synthesis.requires_grad_(True)
    parameters: list[dict[str, Any]] = [{"params": list(tuned.synthesis.parameters())}]
    codes = [row.detach().clone().requires_grad_(pivot_rate > 0) for row in w.split(1)]  # with moments of its own each
    if pivot_rate:
        parameters.append({"params": codes, "lr": pivot_rate})
    optimizer = torch.optim.Adam(parameters, s.learning_rate, fused=True)
    with torch.no_grad():
        features = perceptual.features(target)
    std = latent_statistics(generator).std if locality else 0.0
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    n = len(target)
    parts = [slice(i, i + 1) for i in range(n)] if in_turn else [slice(0, n)]
    for step in range(s.steps):
        for part in parts:
            pivots = torch.cat(codes[part])
            output = phi[part](tuned.synthesis(pivots.expand(-1, generator.num_ws, -1), noise="const"))
            distance = perceptual.to_target(output, [f[part] for f in features]).mean()
            if float(distance.detach()) <= s.stop_below and not in_turn:
                return tuned.requires_grad_(False), torch.cat(codes).detach(), step
            loss = distance + s.l2_weight * (output - target[part]).square().mean()
            if locality:
                away = _away(tuned, generator, perceptual, pivots.detach(), draws[part], std, locality)
                loss = loss + locality.weight * away
            require_finite(loss, "pivotal tuning", step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return tuned.requires_grad_(False), torch.cat(codes).detach(), s.steps


def _away(
    tuned: Generator,
    original: Generator,
    perceptual: PerceptualDistance,
    pivots: WPlus,
    draws: Sequence[torch.Generator],
    std: float,
    s: Locality,
) -> Tensor:
    """Eq. 6, with N_r new codes at every pivot."""
    z = torch.cat([torch.randn(s.codes, original.z_dim, generator=draw) for draw in draws]).to(pivots)
    each = pivots.repeat_interleave(s.codes, dim=0)
    return locality_loss(tuned.synthesis, original, perceptual, each, z, std, s).mean()
