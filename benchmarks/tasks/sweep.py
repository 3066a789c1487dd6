"""Sweep: photos of rendered people, rendered again with one factor moved by known amounts. No method takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, ForReferences, Person, Problem
from benchmarks.tasks.restoration import photos_of, stem
from datasets.synthetic.parameters import NAMES, scores_of
from mystyle.types import Portraits


@dataclass(frozen=True, kw_only=True)
class SweepProblem(Problem):
    """The photos to render again and the strangers they meet, as standard normal scores [n, P], and the doses [n]."""

    scores: Tensor
    strangers: Tensor
    doses: Tensor


@dataclass(frozen=True)
class Sweep(ForReferences):
    name: ClassVar[str] = "sweep"
    version: ClassVar[str] = "1"

    def case(self, person: Person, photo: int, step: int, steps: int, seed: int) -> Case:
        """Dose ``step`` / ``steps`` of a held-out photo; every photo meets a stranger of its own."""
        file = person.files[photo]
        stranger = item_seed("stranger", person.name, file, seed)
        return Case(f"{stem(file)}-{step:02d}", file, stranger, photo=photo, dose=step / steps)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> SweepProblem:
        """The cases as tensors. Raises KeyError where the photos have no parameters."""
        chosen = photos_of(photos, cases)
        draws = [torch.Generator().manual_seed(case.seed) for case in cases]
        return SweepProblem(
            clean=chosen.images,
            scores=scores_of(chosen.parameters),
            strangers=torch.stack([torch.randn(len(NAMES), generator=draw) for draw in draws]),
            doses=torch.tensor([case.dose for case in cases]),
        )


TASK = Sweep
