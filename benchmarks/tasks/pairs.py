"""What tasks on the codes of two photos share. No task itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import ClassVar

import numpy as np
import torch

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources
from benchmarks.tasks.restoration import BATCH, inversion_case, photos_of, stem
from benchmarks.tasks.through_editor import invert_once
from mystyle.degradations import Identity
from mystyle.domains.domain import Domain
from mystyle.protocols import Inverts
from mystyle.types import Image, Portraits, WPlus


class OfTwoPhotos(ABC):
    """Images of codes made of two photos' codes, rendered by what belongs to the first photo's inversion."""

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Inverts
    files: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def doses(self) -> tuple[float | None, ...]:
        """A case for each."""

    @abstractmethod
    def joined(self, a: WPlus, b: WPlus, doses: Sequence[float | None], domain: Domain) -> WPlus:
        """The codes of the cases, from those of their first and second photos, [n, num_ws, w_dim] each."""

    def cases(
        self,
        people: Sequence[Person],
        photos: Sequence[tuple[Person, int]],
        label: str,
        seed: int,
        neighbours: int = 1,
    ) -> tuple[Case, ...]:
        """Each of ``photos``, (person, position), with the next ``neighbours`` of a ring in random order.

        So every photo is as often the first of a pair as the second. ``people`` are the job's person and its guests, in
        this order. Photos are named with their person.
        """
        begins = accumulate((len(person.held_out) for person in people), initial=0)
        begin = dict(zip((person.name for person in people), begins, strict=False))
        order = np.random.default_rng(item_seed("pairs", *(person.name for person, _ in photos), seed))
        ring = [photos[i] for i in order.permutation(len(photos))]
        return tuple(
            replace(
                inversion_case(person, i, label, seed),
                name=f"{person.name}-{stem(person.files[i])}-{label}-{k}" + f"-{step}" * (neighbours > 1),
                image=f"{person.name}/{person.files[i]}",
                photo=begin[person.name] + i,
                other=begin[other.name] + j,
                dose=dose,
            )
            for step in range(1, neighbours + 1)
            for (person, i), (other, j) in zip(ring, ring[step:] + ring[:step], strict=True)
            for k, dose in enumerate(self.doses)
        )

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """The first photo of each case is shown; there is no photo that the image should be."""
        return Problem(degraded=photos_of(photos, cases).images, degradation=Identity())

    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The images of the joined codes. Every second photo has to be the first one of some case."""
        found = invert_once(prior, problem, cases, resources)
        row = {case.photo: k for case, k in zip(cases, found.rows, strict=True)}
        second = [row[case.other] for case in cases]

        @torch.no_grad()
        def images() -> Iterator[Image]:
            for start in range(0, len(cases), BATCH):
                part = slice(start, start + BATCH)
                a, b = list(found.rows[part]), second[part]
                doses = [case.dose for case in cases[part]]
                ws = self.joined(found.codes.ws[a], found.codes.ws[b], doses, resources.domain)
                yield found.codes.renderer(ws, [found.codes.rows[k] for k in a]).cpu()

        return MethodOutput(images())
