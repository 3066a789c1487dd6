"""The cycles of ``benchmarks.tasks.cyclic_projection`` as three images each, and their distances. No metric itself."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Inapplicable

STILL = 1e-3  # of the perceptual distance: where both ways of a cycle are shorter in the mean, nothing was edited


@dataclass(frozen=True)
class Cycles:
    """m cycles; distances [m] each between images as read back from PNG."""

    names: tuple[str, ...]
    """of the cases that end them"""
    whole: Tensor
    """projection to cyclic image"""
    edit: Tensor
    """projection to edit"""
    back: Tensor
    """edit to cyclic image"""

    @property
    def still(self) -> Tensor:
        """Which edits changed nothing: bool [m]."""
        return (self.edit + self.back) / 2 < STILL


def cycles(evaluation: Evaluation) -> Cycles:
    """A case that is compared with one that is compared with a third ends a cycle. Raises Inapplicable without any."""
    position = {case.name: i for i, case in enumerate(evaluation.cases)}
    ends = []
    for i, case in enumerate(evaluation.cases):
        edit = position.get(case.of)
        projection = None if edit is None else position.get(evaluation.cases[edit].of)
        if edit is not None and projection is not None:
            ends.append((projection, edit, i))
    if not ends:
        raise Inapplicable("there is no cycle of a projection, its edit and the way back")
    p, e, c = (evaluation.pixels[list(rows)] for rows in zip(*ends, strict=True))
    distance = evaluation.domain.perceptual
    names = tuple(evaluation.cases[i].name for *_, i in ends)
    whole, edit_, back = (evaluation.apply(distance, a, b) for a, b in ((p, c), (p, e), (e, c)))
    return Cycles(names, whole, edit_, back)
