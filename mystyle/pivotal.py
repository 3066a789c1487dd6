"""Pivotal tuning (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021, Eq. 3)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch

from mystyle.roles import Generator, PerceptualDistance
from mystyle.training import require_finite
from mystyle.types import LENGTH, Degradation, Image, WPlus


@dataclass(frozen=True)
class PivotalTuning:
    """Eq. 3 for one image; the defaults are those of PTI's code, where locality regularisation is off."""

    steps: int = field(default=350, metadata=LENGTH)
    learning_rate: float = 3e-4
    """of Adam (0.9, 0.999)"""
    l2_weight: float = 1.0
    """lambda_L2"""
    stop_below: float = 0.06
    """the perceptual distance at which tuning ends, checked before every step"""


@torch.enable_grad()
def tune_at_pivot(
    generator: Generator, w: WPlus, target: Image, phi: Degradation, perceptual: PerceptualDistance, s: PivotalTuning
) -> Generator:
    """A copy of ``generator`` with min over theta of Eq. 1 between phi(G_theta(w)) and ``target`` (Eq. 3), frozen.

    ``w`` is [1, num_ws, w_dim], ``target`` [1, 3, h, w]. Raises FloatingPointError if the loss ceases to be finite.
    """
    tuned = copy.deepcopy(generator)
    tuned.synthesis.requires_grad_(True)
    optimizer = torch.optim.Adam(tuned.synthesis.parameters(), s.learning_rate, fused=True)
    with torch.no_grad():
        features = perceptual.features(target)
    for step in range(s.steps):
        output = phi(tuned.synthesis(w, noise="const"))
        distance = perceptual.to_target(output, features)
        if float(distance.detach()) <= s.stop_below:
            break
        loss = (distance + s.l2_weight * (output - target).square().mean()).sum()
        require_finite(loss, "pivotal tuning", step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return tuned.requires_grad_(False)
