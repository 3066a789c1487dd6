"""Projection, edit, projection of the edit, and the edit undone (MAGEC, section 4.2 and Figure 4).

A cycle has three images: p of the projection of a photo, edit = G(e(z)), and cyc = G(e^-1(z')), where z' is the
projection of the edit. The edit is projected as a photo would be, after its pixels were rounded to 8 bits.

The photos of the job's guests are projected and edited together with the person's, because a descent on many images
takes little longer than on one. All that is found is cached, so that it is there for the guests' own jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from benchmarks.api.registry import EDITORS
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.restoration import INVERSION, inversion_case, photos_of, restoration_seed
from benchmarks.tasks.through_editor import INVERTED, ThroughEditor
from mystyle.degradations import Identity
from mystyle.protocols import Inverts
from mystyle.types import Image, Portraits, as_written

IMAGES = ("projection", "edit", "cycle")  # a case for each


@dataclass(frozen=True, kw_only=True)
class CyclesProblem(Problem):
    """Everybody's photos, in an order that does not depend on whose job it is."""

    photos: Image
    """[m, 3, R, R]"""
    owners: tuple[tuple[str, str], ...]
    """[m]: person and file"""
    rows: tuple[int, ...]
    """[n]: the photo of each case"""


@dataclass(frozen=True)
class CyclicProjection(ThroughEditor):
    attribute: str
    strength: float = 2.0
    editor: str = "interfacegan"
    seed: int = 0
    """the run's, which decides those of all projections"""
    name: ClassVar[str] = "cyclic_projection"

    def cases(self, person: Person, photo: int, label: str) -> tuple[Case, ...]:
        """The three of a held-out photo, each compared with the one before (``Case.of``)."""
        more, less = (self.attribute, self.strength), (self.attribute, -self.strength)
        made = [inversion_case(person, photo, f"{label}-{image}", self.seed) for image in IMAGES]
        before, edits = ("", *(case.name for case in made)), ((), (more,), (more, less))
        return tuple(replace(case, of=of, edits=e) for case, of, e in zip(made, before, edits, strict=False))

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> CyclesProblem:
        """The photo of each case is shown; none of the images should be it."""
        owners = [owner(photos, file) for file in photos.files]
        order = sorted(range(len(owners)), key=lambda i: owners[i])
        return CyclesProblem(
            degraded=photos_of(photos, cases).images,
            degradation=Identity(),
            photos=photos.images[order],
            owners=tuple(owners[i] for i in order),
            rows=tuple(order.index(case.photo) for case in cases if case.photo is not None),
        )

    @torch.no_grad()
    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The images of the cases; the fact is what the judge reads of the attribute in the projections."""
        assert isinstance(problem, CyclesProblem)
        domain, editor = resources.domain, EDITORS.load(self.editor)
        seeds = [restoration_seed(person, file, INVERSION, self.seed) for person, file in problem.owners]
        found = resources.invert(prior, problem.photos.to(domain.device), seeds)
        edited = editor.apply(found, self.attribute, [self.strength], domain).render()
        check_output(edited, found.images)
        again = resources.invert(prior, as_written(edited), seeds)
        own = list(problem.rows)
        undone = editor.inverse(again, self.attribute, [self.strength], domain)
        cyclic = undone.renderer(undone.ws[own], [undone.rows[k] for k in own])
        check_output(cyclic, found.images[own])
        made = found.images[own], edited[own], cyclic
        images = torch.stack([made[len(case.edits)][i] for i, case in enumerate(cases)])
        read = domain.judge.attributes(made[0].clamp(-1, 1))
        return MethodOutput(images.cpu(), {INVERTED + name: read[name].cpu() for name in {self.attribute} & set(read)})


def owner(photos: Portraits, file: str) -> tuple[str, str]:
    """Whose photo it is, and its name among theirs: those of guests are named with their person."""
    guest, _, own = file.partition("/")
    return (guest, own) if "/" in own else (photos.person, file)


TASK = CyclicProjection
