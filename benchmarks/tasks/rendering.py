"""Rendering: photos of a rendered person that nobody has seen, as many as are asked for. No method takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, ForReferences, Problem
from datasets.synthetic.parameters import IDENTITY, values
from datasets.synthetic.people import fresh_scores
from mystyle.types import Portraits

ROUNDING = 1e-3  # of a parameter's range: manifests have six digits


@dataclass(frozen=True, kw_only=True)
class RenderingProblem(Problem):
    """The photos to render as standard normal scores [n, P]; None where the person was not rendered."""

    scores: Tensor | None
    resolution: int


@dataclass(frozen=True)
class Rendering(ForReferences):
    name: ClassVar[str] = "rendering"
    version: ClassVar[str] = "1"

    def cases(self, person: str, count: int, seed: int) -> tuple[Case, ...]:
        """``count`` photos, each with a seed of its own."""
        return tuple(
            Case(f"fresh-{i:05d}", f"fresh photos of seed {seed}", item_seed("fresh", person, i, seed))
            for i in range(count)
        )

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> RenderingProblem:
        """What to render of the person whose ``photos`` these are."""
        scores = None
        if photos.parameters:
            drawn = torch.cat([fresh_scores(photos.person, 1, case.seed) for case in cases])
            scores = drawn if same_person(drawn, photos) else None
        return RenderingProblem(scores=scores, resolution=photos.images.shape[-1])


def same_person(scores: Tensor, photos: Portraits) -> bool:
    """Whether ``photos`` have the identity of ``scores``: a folder of the user's may have the name of one of ours."""
    drawn = values(scores[:1])
    apart = ((photos.parameters[p.name] - drawn[p.name]).abs().max() / (p.high - p.low) for p in IDENTITY)
    return all(float(share) < ROUNDING for share in apart)


TASK = Rendering
