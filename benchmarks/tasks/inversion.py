"""Inversion: a held-out photo, whole, as the prior can make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.restoration import Restoration, restoration_case, whole_photos
from mystyle.protocols import Inverts
from mystyle.types import Portraits


@dataclass(frozen=True)
class Inversion(Restoration):
    name: ClassVar[str] = "inversion"
    verb: ClassVar[type | None] = Inverts
    title = "Inversion"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        return restoration_case(person, photo, self.name, seed)

    def solve(
        self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources | None = None
    ) -> MethodOutput:
        """What the codes render. A photo is inverted once, also for the edits of other suites."""
        assert problem.clean is not None and resources is not None
        photos = problem.clean.to(resources.domain.device)
        found = resources.invert(prior, photos, [case.seed for case in cases])
        check_output(found.images, photos)
        return MethodOutput(found.images.cpu(), found.facts)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        return whole_photos(photos, cases)


TASK = Inversion
