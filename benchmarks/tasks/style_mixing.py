"""Style mixing of two photos (II2S, section 4.4.5 and Table 3): the first layers of one, the others of the other.

The paper takes 7 of 18 layers of what gives the content. Generators of fewer layers take the same share of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.tasks.pairs import OfTwoPhotos
from mystyle.domains.domain import Domain
from mystyle.types import WPlus


@dataclass(frozen=True)
class StyleMixing(OfTwoPhotos):
    """A case's first photo gives the content, the second one the style."""

    content: float = 7 / 18
    """share of the layers, the coarse ones"""
    name: ClassVar[str] = "style_mixing"
    doses: ClassVar[tuple[None, ...]] = (None,)

    def joined(self, a: WPlus, b: WPlus, doses: Sequence[float | None], domain: Domain) -> WPlus:
        layers = round(self.content * a.shape[1])
        return torch.cat([a[:, :layers], b[:, layers:]], dim=1)


TASK = StyleMixing
