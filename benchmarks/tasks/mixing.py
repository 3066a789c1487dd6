"""Mixing: an image of two photos' codes, in the middle between them or with layers of both (II2S, section 4.4).

Where codes are ones that the generator knows, what is made of two of them is a face, too. The photos are those of one
person, so that there are others to compare it with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch

from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.restoration import photos_of, restoration_case, stem
from mystyle.latents.pnorm import SAMPLES, pnorm_of
from mystyle.protocols import Inverts
from mystyle.types import Image, Portraits, WPlus


@dataclass(frozen=True, kw_only=True)
class PhotosProblem(Problem):
    """The first photo of each case. Of what is made of two, neither is the clean image."""

    photos: Image


@dataclass(frozen=True)
class Mixing:
    by: Literal["w+", "p-norm+", "layers"]
    """interpolation in W+, interpolation in P-norm+, or the first layers of the one and the last of the other"""
    share: float = 0.5
    """of the second photo: of the way to it, or of the layers"""
    samples: int = SAMPLES
    """of the mapping network, for P-norm"""

    name: ClassVar[str] = "mixing"
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Inverts
    files: ClassVar[tuple[str, ...]] = ()

    def cases(self, person: Person, photos: Sequence[int], neighbours: int, seed: int) -> tuple[Case, ...]:
        """Each of ``photos``, by position, with the ``neighbours`` that follow it; after the last comes the first.

        Every photo is the first one of a case, whose seed is that of its inversion.
        """
        found = []
        for i, photo in enumerate(photos):
            case = restoration_case(person, photo, Inversion.name, seed)
            for step in range(1, neighbours + 1):
                other = photos[(i + step) % len(photos)]
                name = f"{stem(case.image)}-{self.by.strip('+')}-{stem(person.files[other])}"
                found.append(replace(case, name=name, other=other))
        return tuple(found)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> PhotosProblem:
        return PhotosProblem(photos=photos_of(photos, cases).images)

    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The mixed codes, rendered by what renders the first photo's."""
        assert isinstance(problem, PhotosProblem)
        domain = resources.domain
        case_of = {case.photo: i for i, case in reversed(list(enumerate(cases)))}
        firsts = sorted(case_of.values())
        photos = problem.photos[firsts].to(domain.device)
        found = resources.invert(prior, photos, [cases[i].seed for i in firsts])
        row = {cases[i].photo: k for k, i in enumerate(firsts)}
        one, other = [row[case.photo] for case in cases], [row[case.other] for case in cases]
        if self.by == "p-norm+":
            space = pnorm_of(domain, self.samples)
            ws = space.codes(self.mixed(space(found.ws[one]), space(found.ws[other])))
        else:
            ws = self.mixed(found.ws[one], found.ws[other])
        images = found.renderer(ws, one)
        check_output(images, photos.new_empty(len(cases), *photos.shape[1:]))
        return MethodOutput(images.cpu())

    def mixed(self, a: WPlus, b: WPlus) -> WPlus:
        """Of two codes [n, num_ws, w_dim] in the space that ``by`` names."""
        if self.by == "layers":
            kept = round((1 - self.share) * a.shape[1])
            return torch.cat([a[:, :kept], b[:, kept:]], dim=1)
        return a.lerp(b, self.share)


TASK = Mixing
