"""Super-resolution (MyStyle, section 5.2.2): a held-out photo made smaller by area means, and enlarged by the prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.task import Case, Person, Problem
from benchmarks.tasks.restoration import Restoration, photos_of, restoration_case
from mystyle.degradations import Downsampling
from mystyle.types import Portraits


@dataclass(frozen=True)
class SuperResolution(Restoration):
    factor: float = 8
    """of the down-sampling"""
    name: ClassVar[str] = "super_resolution"

    @property
    def title(self) -> str:
        return f"Super-resolution ×{self.factor:g}"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        return restoration_case(person, photo, f"x{self.factor:g}", seed)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        clean = photos_of(photos, cases).images
        phi = Downsampling(self.factor)
        return Problem(clean, None, phi(clean), phi)


TASK = SuperResolution
