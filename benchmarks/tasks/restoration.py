"""What the tasks that restore photos share: inpainting, super-resolution, inversion. No task itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from mystyle.degradations import Identity
from mystyle.protocols import Projects, Restores
from mystyle.types import Portraits

BATCH = 16  # images restored at once; bounds the memory and changes no number beyond rounding
INVERSION = "inversion"  # what is done to a photo whose code is wanted


class Restoration(ABC):
    """Held-out photos, degraded and restored."""

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Restores
    files: tuple[str, ...] = ()

    @property
    @abstractmethod
    def title(self) -> str:
        """The heading of its rows in suites that compare tasks."""

    @abstractmethod
    def case(self, person: Person, photo: int, seed: int) -> Case:
        """The case of a held-out photo, by its position."""

    @abstractmethod
    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """The photos and what is left of them."""

    def solve(
        self, prior: Any, problem: Problem, cases: Sequence[Case], resources: Resources | None = None
    ) -> MethodOutput:
        """The restored photos, blended with what is known."""
        return restore(prior, problem, cases)


def photos_of(photos: Portraits, cases: Sequence[Case]) -> Portraits:
    """The photo that each case is made from."""
    return photos[[case.photo for case in cases if case.photo is not None]]


def restoration_case(person: Person, photo: int, what: str, seed: int, **fields: Any) -> Case:
    """The case of a held-out photo, by its position; ``what`` is done to it decides name and seed."""
    file = person.files[photo]
    case_seed = restoration_seed(person.name, file, what, seed)
    return Case(name=f"{stem(file)}-{what}", image=file, seed=case_seed, photo=photo, **fields)


def restoration_seed(person: str, file: str, what: str, seed: int) -> int:
    """Of what is done to a photo of ``person`` in a run of ``seed``."""
    return item_seed("restore", person, file, what, seed)


def inversion_case(person: Person, photo: int, label: str, seed: int, **fields: Any) -> Case:
    """The case of what is done with a held-out photo's code. All of one photo and seed share its inversion."""
    inverted = restoration_case(person, photo, INVERSION, seed, **fields)
    return replace(inverted, name=f"{stem(inverted.image)}-{label}")


def whole_photos(photos: Portraits, cases: Sequence[Case]) -> Problem:
    """The photo of each case, which is what a method is given."""
    clean = photos_of(photos, cases).images
    return Problem(clean, None, clean, Identity())


def restore(prior: Restores, problem: Problem, cases: Sequence[Case]) -> MethodOutput:
    """The restored photos, and the facts of their codes where the prior projects."""
    assert problem.clean is not None and problem.degraded is not None and problem.degradation is not None
    images: list[Tensor] = []
    facts: list[Mapping[str, Tensor]] = []
    for start in range(0, len(cases), BATCH):
        part = slice(start, start + BATCH)
        degraded, degradation = problem.degraded[part], problem.degradation[part]
        seeds = [case.seed for case in cases[part]]
        if isinstance(prior, Projects):
            found = prior.project(degraded, degradation, seeds=seeds)
            output = found.images.to(degraded)
            facts.append(found.facts)
        else:
            output = prior.restore(degraded, degradation, seeds=seeds)
        check_output(output, problem.clean[part])
        images.append(degradation.composite(output.to(degraded), degraded))
    names = facts[0] if facts else ()
    return MethodOutput(torch.cat(images), {name: torch.cat([fact[name] for fact in facts]) for name in names})


def stem(file: str) -> str:
    """The name of a photo without suffix, and without its folder where that is ``test`` or ``train``."""
    split, _, name = file.rpartition("/")
    name = name.rsplit(".", 1)[0]
    return name if split in ("", "test", "train") else f"{split}-{name}"
