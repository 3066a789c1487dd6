"""Interpolation between the codes of two photos (II2S, section 4.4.4 and Table 2).

Five samples at even steps of the way, as in the paper. The ends are no samples here: they are the inversions, and the
paper asks what lies between. Straight in W+, or straight in P-norm+ and taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from benchmarks.tasks.pairs import OfTwoPhotos
from mystyle.domains.domain import Domain
from mystyle.latents.pnorm import SAMPLES, pnorm_of
from mystyle.types import WPlus


@dataclass(frozen=True)
class Interpolation(OfTwoPhotos):
    """A case's dose is how much of the way from the first photo to the second is done."""

    space: Literal["w+", "p-norm+"] = "w+"
    count: int = 5
    """samples of a pair"""
    whitening: int = SAMPLES
    """codes that P-norm+ is fitted to"""
    name: ClassVar[str] = "interpolation"

    @property
    def doses(self) -> tuple[float, ...]:
        return tuple(k / (self.count + 1) for k in range(1, self.count + 1))

    def joined(self, a: WPlus, b: WPlus, doses: Sequence[float | None], domain: Domain) -> WPlus:
        t = torch.tensor(doses).to(a)[:, None, None]
        if self.space == "w+":
            return torch.lerp(a, b, t)
        space = pnorm_of(domain, self.whitening)
        return space.codes(torch.lerp(space(a), space(b), t))


TASK = Interpolation
