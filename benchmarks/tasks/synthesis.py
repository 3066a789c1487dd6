"""Synthesis (MyStyle, section 5.1): random images of a prior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, MethodOutput, Problem, Resources
from benchmarks.tasks.restoration import photos_of
from mystyle.protocols import Reports, Samples
from mystyle.types import Image, Portraits

CHUNK = 50  # samples that share a seed


@dataclass(frozen=True)
class Synthesis:
    name: ClassVar[str] = "synthesis"
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Samples
    files: ClassVar[tuple[str, ...]] = ()

    def cases(self, person: str, count: int, seed: int) -> tuple[Case, ...]:
        """``count`` random images; those of a chunk share the seed that they are sampled with.

        In statistics all of a person are one piece of evidence: another thousand says nothing of another person's
        prior.
        """
        return tuple(
            Case(f"sample-{i:05d}", f"samples of seed {seed}", item_seed("sample", person, i // CHUNK, seed))
            for i in range(count)
        )

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """Nothing for samples; the photos themselves for the rows of real photos beside them."""
        if cases[0].photo is None:
            return Problem()
        return Problem(clean=photos_of(photos, cases).images)

    def solve(
        self, prior: Samples, problem: Problem, cases: Sequence[Case], resources: Resources | None = None
    ) -> MethodOutput:
        """The images, a chunk at a time, as they are asked for, and what the prior has to tell of its fit."""

        def chunks() -> Iterator[Image]:
            for start in range(0, len(cases), CHUNK):
                yield prior.sample(CHUNK, seed=cases[start].seed)[: len(cases) - start]

        facts = prior.facts if isinstance(prior, Reports) else {}
        return MethodOutput(chunks(), {name: torch.full((len(cases),), value) for name, value in facts.items()})


TASK = Synthesis
