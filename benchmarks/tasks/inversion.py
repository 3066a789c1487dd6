"""Inversion: a held-out photo, whole, as the prior can make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.task import Case, Person, Problem
from benchmarks.tasks.restoration import Restoration, photos_of, restoration_case
from mystyle.degradations import Identity
from mystyle.types import Portraits


@dataclass(frozen=True)
class Inversion(Restoration):
    name: ClassVar[str] = "inversion"
    title = "Inversion"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        return restoration_case(person, photo, self.name, seed)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        clean = photos_of(photos, cases).images
        return Problem(clean, None, clean, Identity())


TASK = Inversion
