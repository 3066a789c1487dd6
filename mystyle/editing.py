"""Personalised semantic editing (section 3.4): a direction of W, walked along in alpha+ space, within the prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from mystyle.inversion import Codes
from mystyle.latents.anchors import Anchors
from mystyle.latents.subspace import AlphaCode, chord, dilation, direction_to_alpha, project_to_dilated_hull, to_w
from mystyle.types import W, WPlus

Policy = Literal["stop", "continue", "project"]
SUM = 1e-4  # an error that the sum of some hundred float32 coordinates does not reach by rounding


@dataclass(frozen=True)
class EditSettings:
    """How far an edit goes. The defaults keep every edited code in P_beta."""

    beta: float = 0.03
    """the largest dilation wanted"""
    policy: Policy = "project"
    """beyond it: stop at the last code within, continue all the same, or project back to P_beta"""
    sum_to_zero: bool = True
    """gamma in the affine hull of the anchors, so that coordinates keep their sum. By the paper's formula they do not:
    every edit leaves A_beta, and is projected back"""


PAPER_TEXT = EditSettings(
    beta=0.03,  # edit.py; the text leaves it to the user
    policy="project",  # 3.4: "in practice, we find the projection useful"
    sum_to_zero=False,  # 3.4, gamma = (M^T M)^-1 M^T n
)
OFFICIAL_CODE = replace(PAPER_TEXT, policy="continue")  # edit.py


@dataclass(frozen=True)
class Edits:
    """n codes, each edited by S strengths."""

    code: AlphaCode
    """alpha [n * S, num_ws, N], strength running fastest"""
    theta: Tensor
    """the strengths that were applied [n, S]; with ``stop`` they end at ``endpoints``"""
    endpoints: Tensor
    """[n, 2]: the interval of theta in which no coordinate falls below -beta (any further, if it was below already)"""
    dilation: Tensor
    """beta_theta = max(0, -min(alpha)) of every edited code, [n, S]"""
    cosine: float
    """between the direction and its part that the anchors can express; 1 if they span it"""


@dataclass(frozen=True, kw_only=True)
class AlphaCodes(Codes):
    """Codes with coordinates in somebody's anchors, which move within P_beta."""

    code: AlphaCode
    """[n, num_ws, N]"""
    anchors: Anchors
    editing: EditSettings = EditSettings()

    def moved(self, direction: W | WPlus, strengths: Sequence[float]) -> AlphaCodes:
        """``edit`` in the place of w + theta n."""
        code = edit(self.code, direction, strengths, self.anchors, self.editing).code
        return self.edited(code.alpha, len(strengths))

    def displaced(self, changes: Tensor) -> AlphaCodes:
        """Every change is a direction of its own, walked along once."""
        alpha = [
            edit(AlphaCode(one, self.code.anchors), change, [1.0], self.anchors, self.editing).code.alpha
            for one, own in zip(self.code.alpha.split(1), changes, strict=True)
            for change in own
        ]
        return self.edited(torch.cat(alpha), changes.shape[1])

    def edited(self, alpha: Tensor, times: int) -> AlphaCodes:
        """The codes [n * times, num_ws, N] that ``times`` edits made of each."""
        return AlphaCodes(
            ws=to_w(alpha, self.anchors),
            renderer=self.renderer,
            rows=self.repeated(times),
            code=AlphaCode(alpha, self.anchors.hash),
            anchors=self.anchors,
            editing=self.editing,
        )


def edit(
    code: AlphaCode, direction: W | WPlus, strengths: Sequence[float], anchors: Anchors, settings: EditSettings
) -> Edits:
    """Eq. 12: alpha + theta gamma for every code [n, num_ws, N] and strength theta.

    ``direction`` is [w_dim], alike in all layers, or [num_ws, w_dim]. Raises ValueError if the code
    belongs to other anchors.
    """
    if code.anchors != anchors.hash:
        raise ValueError("the code was made with other anchors than these; its coordinates mean nothing here")
    direction = direction.to(anchors.codes)
    gamma = direction_to_alpha(direction, anchors, settings.sum_to_zero)
    low, high = chord(code.alpha, gamma, settings.beta)  # [n, num_ws]
    endpoints = torch.stack([low.amax(dim=1), high.amin(dim=1)], dim=1)
    theta = torch.tensor(strengths, dtype=torch.float32).to(code.alpha).expand(len(code.alpha), -1)
    if settings.policy == "stop":
        theta = theta.clamp(endpoints[:, :1], endpoints[:, 1:])
    alpha = code.alpha[:, None] + theta[:, :, None, None] * gamma
    if settings.policy == "project":
        beyond = (dilation(alpha) > settings.beta) | ((alpha.sum(dim=-1) - 1).abs() > SUM)
        beyond = beyond.any(dim=-1)
        alpha[beyond] = project_to_dilated_hull(to_w(alpha[beyond], anchors), anchors, settings.beta)
    return Edits(
        AlphaCode(alpha.flatten(0, 1), anchors.hash),
        theta,
        endpoints,
        dilation(alpha).amax(dim=-1),
        float(torch.cosine_similarity((gamma @ anchors.codes).flatten(), direction.flatten(), dim=0)),
    )
