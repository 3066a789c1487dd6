"""Traversal (MyStyle, section 4.1): from the centre of the prior to an anchor and beyond, and codes around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.api.task import Case, MethodOutput, Problem, Resources
from mystyle.inversion import SharedGenerator
from mystyle.latents.subspace import dilation, sample_a0
from mystyle.protocols import Spans
from mystyle.types import Portraits


@dataclass(frozen=True)
class Traversal:
    """x = theta w_i + (1 - theta) c, where the case's image names anchor i."""

    theta: float | None
    """None: random codes of the whole of W in its place"""
    from_sample: bool = False
    """whether c is a sample of P_0 instead of the centre"""

    name: ClassVar[str] = "traversal"
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Spans
    files: ClassVar[tuple[str, ...]] = ()

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        return Problem()

    @torch.no_grad()
    def solve(
        self, prior: Spans, problem: Problem, cases: Sequence[Case], resources: Resources | None = None
    ) -> MethodOutput:
        """The images of the codes, and how far these are dilated."""
        count = len(prior.anchors)
        draws = [torch.Generator().manual_seed(case.seed) for case in cases]
        if self.theta is None:
            z = torch.stack([torch.randn(prior.generator.z_dim, generator=draw) for draw in draws])
            return MethodOutput(SharedGenerator(prior.generator)(prior.generator.mapping(z.to(prior.anchors.codes))))
        anchor = torch.eye(count)[[prior.anchors.names.index(case.image) for case in cases]]
        centre = torch.full_like(anchor, 1 / count)
        start = torch.cat([sample_a0(count, 1, draw) for draw in draws]) if self.from_sample else centre
        alpha = torch.lerp(start, anchor, self.theta)
        return MethodOutput(prior.render(alpha[:, None]), {"dilation": dilation(alpha)})


TASK = Traversal
