"""What tasks that edit inverted photos share. No task itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from benchmarks.api.registry import EDITORS
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.restoration import inversion_case, whole_photos
from mystyle.domains.domain import Domain
from mystyle.inversion import Codes, Inversion
from mystyle.protocols import Editor, Inverts
from mystyle.types import Image, Portraits

INVERTED = "inverted_"  # a fact: what the judge reads of an attribute in the image before the edit


class ThroughEditor(ABC):
    """A task whose images are edits of inverted photos."""

    name: ClassVar[str]
    verb: ClassVar[type | None] = Inverts

    @property
    @abstractmethod
    def editor(self) -> str:
        """A file of ``mystyle/editors``."""

    @property
    def version(self) -> str:
        """The task's and the editor's."""
        return f"1, {self.editor} {EDITORS.load(self.editor).version}"

    @property
    def files(self) -> tuple[str, ...]:
        """The editor's."""
        files: tuple[str, ...] = EDITORS.load(self.editor).files
        return files

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """The photo of each case."""
        return whole_photos(photos, cases)


class SingleEdits(ThroughEditor):
    """Edits of which each case has its own, rendered by what belongs to the inversion."""

    def case(self, person: Person, photo: int, label: str, seed: int, **fields: Any) -> Case:
        """The case of an edit of a held-out photo."""
        return inversion_case(person, photo, label, seed, **fields)

    @abstractmethod
    def edited(self, codes: Inversion, k: int, case: Case, editor: Editor, domain: Domain) -> Codes:
        """All of the inverted ``codes``, edited as ``case`` asks of code ``k``. Raises Inapplicable or Unsupported."""

    @abstractmethod
    def attributes(self, case: Case) -> tuple[str, ...]:
        """What is edited."""

    def each(
        self, found: InvertedOnce, cases: Sequence[Case], editor: Editor, domain: Domain
    ) -> Iterator[tuple[Codes, int]]:
        """Edited codes for every case, and which of them is the case's."""
        for k, case in zip(found.rows, cases, strict=True):
            yield self.edited(found.codes, k, case, editor, domain), k

    @torch.no_grad()
    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The edited images; the facts are what the judge reads of the edited attributes in the inversions."""
        domain, editor = resources.domain, EDITORS.load(self.editor)
        found = invert_once(prior, problem, cases, resources)
        edits = self.each(found, cases, editor, domain)
        images = [codes.renderer(codes.ws[i : i + 1], codes.rows[i : i + 1]) for codes, i in edits]
        check_output(torch.cat(images), found.photos[list(found.rows)])
        edited = {name for case in cases for name in self.attributes(case)}
        read = domain.judge.attributes(found.codes.images.clamp(-1, 1))
        facts = {INVERTED + name: read[name][list(found.rows)].cpu() for name in edited & set(read)}
        return MethodOutput(torch.cat(images).cpu(), facts)


@dataclass(frozen=True)
class InvertedOnce:
    """The photos of some cases, each of them inverted once."""

    photos: Image
    """[m, 3, R, R], on the domain's device"""
    codes: Inversion
    """of the m photos"""
    rows: tuple[int, ...]
    """[n]: the photo of each case"""


def invert_once(prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> InvertedOnce:
    """The inversions of what a method is given, ``problem.degraded``; cases of a photo share their seed."""
    assert problem.degraded is not None
    names = [case.photo for case in cases]
    first = [names.index(name) for name in dict.fromkeys(names)]
    photos = problem.degraded[first].to(resources.domain.device)
    codes = resources.invert(prior, photos, [cases[i].seed for i in first])
    place = {names[i]: k for k, i in enumerate(first)}
    return InvertedOnce(photos, codes, tuple(place[name] for name in names))
