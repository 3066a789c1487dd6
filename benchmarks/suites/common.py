"""What several suites share: presets, parts, reference rows, variants of MyStyle. No suite itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.api.seeds import item_seed
from benchmarks.api.suite import Parts, Reference
from benchmarks.api.task import Case, Inapplicable, Part, Person, Problem
from benchmarks.tasks.inpainting import Inpainting
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.rendering import Rendering, RenderingProblem
from benchmarks.tasks.restoration import Restoration, stem
from benchmarks.tasks.super_resolution import SuperResolution
from benchmarks.tasks.synthesis import Synthesis
from datasets.splits import CELEBRITIES
from datasets.synthetic.renderer import BATCH, render
from mystyle.types import Image, Portraits

EVERYBODY = tuple(person.name for person in CELEBRITIES)
SHORT = ("barack_obama", "lady_gaga", "jeff_bezos")
"""Table 2's people, whom the short presets of all suites take, so that they share priors"""
FIGURE_17 = ("adele", "kamala_harris", "joe_biden")
IDENTITIES = ("identity", "identity_facenet", "identity_arcface")  # by every judge whose file is there
OF_PERSON = (
    *("maps_train", "maps_heldout", *IDENTITIES, "identity_pose", "accepted", "identity_rank", "true_identity"),
)
"""what says something of a whole photo, and of photos themselves"""
OFF_REAL = ("maps_shift", "identity_shift")  # how far from photos: nothing of photos themselves
KEPT = 24  # samples of a person that are kept as files
RESTORATIONS: tuple[Restoration, ...] = (Inversion(), Inpainting(), SuperResolution(8))  # of suites that compare tasks
TITLES = {task.name: task.title for task in RESTORATIONS}


@dataclass(frozen=True)
class PhotoSettings:
    """A preset of suites that restore photos."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int | None  # per person; None takes every held-out photo
    summary: str


class HasPhotos(Protocol):
    @property
    def photos(self) -> int | None: ...


class HasSamples(Protocol):
    @property
    def samples(self) -> int: ...


@dataclass(frozen=True)
class SampleSettings:
    """A preset of suites that draw samples."""

    people: tuple[str, ...]  # rows of Table 5
    samples: int  # per person
    summary: str


def photos_in_order(person: Person, seed: int, count: int | None = None) -> list[int]:
    """Positions of ``count`` held-out photos, all if None, in an order that person and seed decide."""
    order = np.random.default_rng(item_seed("photos", person.name, seed)).permutation(len(person.held_out))
    return [int(i) for i in order[:count]]


def anchors_in_order(person: Person, seed: int, count: int) -> list[int]:
    """Positions of ``count`` reference photos, which anchors belong to, in an order that person and seed decide."""
    order = np.random.default_rng(item_seed("anchors", person.name, seed)).permutation(len(person.train))
    return [int(i) for i in order[:count]]


def photo_part(
    task: Restoration, person: Person, settings: HasPhotos, seed: int, condition: str, level: float | None = None
) -> Part:
    """The person's photos of the preset, under one condition; other tasks and conditions get the same ones."""
    order = photos_in_order(person, seed, settings.photos)
    return Part(task, tuple(task.case(person, i, seed) for i in order), condition, level)


def photo_parts(
    tasks: Sequence[Restoration], person: Person, people: Sequence[Person], settings: HasPhotos, seed: int
) -> tuple[Part, ...]:
    """A part for each of the tasks, which are the conditions, with the same photos."""
    return tuple(photo_part(task, person, settings, seed, task.name) for task in tasks)


def sample_parts(person: Person, people: Sequence[Person], settings: HasSamples, seed: int) -> tuple[Part, ...]:
    """The person's samples in one part."""
    task = Synthesis()
    return (Part(task, task.cases(person.name, settings.samples, seed), kept=KEPT),)


def at_levels(part: Part, levels: Sequence[float]) -> tuple[Part, ...]:
    """The part once for each level, which names the condition and the cases."""
    return tuple(
        replace(
            part,
            cases=tuple(replace(case, name=f"{case.name}-{level:g}") for case in part.cases),
            condition=f"{level:g}",
            level=level,
        )
        for level in levels
    )


def held_out_photos(person: Person, people: Sequence[Person], settings: Any, seed: int) -> tuple[Part, ...]:
    """The held-out photos themselves, as the cases of a reference row beside samples."""
    cases = tuple(Case(stem(file), file, 0, photo=i) for i, file in enumerate(person.files))
    return (Part(Synthesis(), cases),)


def fresh_parts(person: Person, people: Sequence[Person], settings: HasSamples, seed: int) -> tuple[Part, ...]:
    """As many photos as the methods have samples: the bias of FID, and clusters, depend on the number."""
    task = Rendering()
    return (Part(task, task.cases(person.name, settings.samples, seed), kept=KEPT),)


def with_beta(beta: float | None, settings: Any, part: Part) -> Any:
    """MyStyle with another dilation of its projections; softmax coordinates have no unbounded ones."""
    kind = {"coordinates": "softplus"} if beta is None else {}
    return replace(settings, restore=replace(settings.restore, beta=beta, **kind))


def real_photos(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """The photo that each case was made from."""
    assert problem.clean is not None
    return problem.clean


def fresh_photos(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Iterator[Image]:
    """Photos of the person, rendered as they are asked for. Raises Inapplicable where the person was not rendered."""
    assert isinstance(problem, RenderingProblem)
    if problem.scores is None:
        raise Inapplicable("photos without end can be had of rendered people alone")
    return (render(scores, problem.resolution) for scores in problem.scores.split(BATCH))


def other_people(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """A held-out photo of somebody else for each case; none comes twice before all came once."""
    pool = torch.cat([portraits.images for portraits in others])
    order = np.random.default_rng([case.seed for case in cases]).permutation(len(pool))
    return pool[[int(order[i % len(order)]) for i in range(len(cases))]]


def ceiling(metrics: Sequence[str], parts: Parts | None = None) -> Reference:
    """The row of real photos: what a perfect answer would score."""
    return Reference("real_photos", "Real photos", "ceiling", tuple(metrics), False, real_photos, parts=parts)


def floor(metrics: Sequence[str], parts: Parts | None = None) -> Reference:
    """The row of other people's photos: what an identity-agnostic answer would score."""
    return Reference("other_people", "Other people", "floor", tuple(metrics), True, other_people, parts=parts)


def fresh(metrics: Sequence[str]) -> Reference:
    """The row of as many new photos as there are samples: what a perfect sampler would score, by every metric."""
    return Reference("fresh_photos", "Fresh photos", "ceiling", tuple(metrics), False, fresh_photos, parts=fresh_parts)
