"""What several suites ask of a prior: photos restored, and samples.

A case says which by itself: one with a mask is inpainting, one with a factor super-resolution, one of a photo and
neither of them inversion, and one without a photo is a sample. The cases of a part are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from benchmarks.api.protocol import Answer, Case, Inapplicable, Part, Parts, Person, Problem, Reference, check_output
from benchmarks.api.seeds import item_seed
from datasets.masks import mask
from datasets.splits import CELEBRITIES
from mystyle.degradations import Downsampling, Identity, Inpainting
from mystyle.domains.domain import Domain
from mystyle.projection import AlphaProjection
from mystyle.types import Image, Portraits, Projects, Restores, Samples

BATCH = 16  # images restored at once; bounds the memory and changes no number beyond rounding
CHUNK = 50  # samples drawn with one seed
EVERYBODY = tuple(person.name for person in CELEBRITIES)
OF_PERSON = ("maps_train", "maps_heldout", "identity", "true_identity")  # what says something of a whole photo
RULES = ("eyes", "mouth", "half", "centre", "strokes")  # masks, of datasets.masks
SHORT = ("barack_obama", "lady_gaga", "jeff_bezos")
"""Table 2's people, whom the short presets of all suites take, so that they share priors"""
KEPT = 24  # samples of a person that are kept as files
FACTOR = 8  # of super-resolution, in suites that are about something else
KINDS: Mapping[str, Mapping[str, Any]] = {
    "inversion": {},
    "inpainting": {"rule": "centre"},
    "super_resolution": {"factor": FACTOR},
}
TITLES = {"inversion": "Inversion", "inpainting": "Inpainting", "super_resolution": f"Super-resolution ×{FACTOR}"}


@dataclass(frozen=True)
class PhotoSettings:
    """A preset of suites that restore photos."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int | None  # per person; None takes every held-out photo
    summary: str


@dataclass(frozen=True)
class SampleSettings:
    """A preset of suites that draw samples."""

    people: tuple[str, ...]  # rows of Table 5
    samples: int  # per person
    summary: str


def restoration(
    person: str, files: Sequence[str], photo: int, seed: int, *, rule: str = "", factor: float | None = None
) -> Case:
    """The case of a held-out photo, by its position in ``files``: inpainting, super-resolution or inversion."""
    file, what = files[photo], rule or (f"x{factor:g}" if factor else "inversion")
    return Case(
        name=f"{stem(file)}-{what}",
        file=file,
        seed=item_seed("restore", person, file, what, seed),
        photo=photo,
        mask=rule,
        mask_seed=item_seed("mask", person, file, rule, seed) if rule else 0,
        factor=factor,
    )


def photos_in_order(person: Person, seed: int, count: int | None = None) -> list[int]:
    """Positions of ``count`` held-out photos, all if None, in an order that person and seed decide."""
    order = np.random.default_rng(item_seed("photos", person.name, seed)).permutation(len(person.held_out))
    return [int(i) for i in order[:count]]


def photo_parts(
    kinds: Sequence[str], person: Person, people: Sequence[Person], settings: PhotoSettings, seed: int
) -> tuple[Part, ...]:
    """A part for each of ``kinds``, keys of ``KINDS``, with the same photos."""
    order = photos_in_order(person, seed, settings.photos)
    return tuple(
        Part(tuple(restoration(person.name, person.files, i, seed, **KINDS[kind]) for i in order), condition=kind)
        for kind in kinds
    )


def sample_parts(person: Person, people: Sequence[Person], settings: SampleSettings, seed: int) -> tuple[Part, ...]:
    """The person's samples in one part."""
    return (Part(samples(person.name, settings.samples, seed), kept=KEPT),)


def samples(person: str, count: int, seed: int) -> tuple[Case, ...]:
    """``count`` random pictures; those of a chunk share the seed that they are drawn with.

    In statistics all of a person are one piece of evidence: another thousand says nothing of another person's prior.
    """
    return tuple(
        Case(name=f"sample-{i:05d}", file=f"samples of seed {seed}", seed=item_seed("sample", person, i // CHUNK, seed))
        for i in range(count)
    )


def held_out_photos(person: Person, people: Sequence[Person], settings: Any, seed: int) -> tuple[Part, ...]:
    """The held-out photos themselves, as the cases of a reference row beside samples."""
    return (Part(tuple(photo_itself(file, i) for i, file in enumerate(person.files))),)


def photo_itself(file: str, position: int) -> Case:
    return Case(name=stem(file), file=file, seed=0, photo=position)


def problem(photos: Portraits, part: Part) -> Problem:
    """The cases as tensors; nothing for samples."""
    cases = part.cases
    if cases[0].photo is None:
        return Problem()
    clean = photos[[case.photo for case in cases]].images
    if cases[0].mask:
        known = torch.cat([mask(case.mask, clean.shape[-1], case.mask_seed) for case in cases])
        return Problem(clean, known, clean * known, Inpainting(known))
    phi = Downsampling(cases[0].factor) if cases[0].factor else Identity()
    return Problem(clean, None, phi(clean), phi)


def solve(prior: Any, problem: Problem, part: Part, domain: Domain) -> Answer:
    """The prior's pictures: restored and blended with what is known, or sampled.

    Raises Inapplicable if the prior does not have that verb.
    """
    if problem.degraded is None:
        if not isinstance(prior, Samples):
            raise Inapplicable("does not sample")
        return Answer(draw(prior, part.cases))
    if not isinstance(prior, Restores):
        raise Inapplicable("does not restore")
    return restore(prior, problem, part.cases)


def with_beta(beta: float | None, settings: Any, part: Part) -> Any:
    """MyStyle with another dilation of its projections."""
    return replace(settings, restore=replace(settings.restore, beta=beta))


def draw(prior: Samples, cases: Sequence[Case]) -> Iterator[Image]:
    """The pictures of ``samples``, a chunk at a time."""
    for start in range(0, len(cases), CHUNK):
        yield prior.sample(CHUNK, seed=cases[start].seed)[: len(cases) - start]


def restore(prior: Restores, problem: Problem, cases: Sequence[Case]) -> Answer:
    """The restored photos, with the dilations of their codes and the bound on them where the prior has such codes."""
    pictures, facts = [], []
    for start in range(0, len(cases), BATCH):
        part = slice(start, start + BATCH)
        degraded, degradation = problem.degraded[part], problem.degradation[part]
        seeds = [case.seed for case in cases[part]]
        if isinstance(prior, Projects):
            found = prior.project(degraded, degradation, seeds=seeds)
            output = found.images.to(degraded)
            if isinstance(found, AlphaProjection):
                beta = prior.settings.restore.beta
                bound = torch.full((len(seeds),), torch.inf if beta is None else beta)
                facts.append(torch.stack([found.dilation.cpu(), bound]))
        else:
            output = prior.restore(degraded, degradation, seeds=seeds)
        check_output(output, problem.clean[part])
        pictures.append(degradation.composite(output.to(degraded), degraded))
    known = dict(zip(("dilation", "bound"), torch.cat(facts, dim=1), strict=True)) if facts else {}
    return Answer(torch.cat(pictures), known)


def real_photos(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """The photo that each case was made from."""
    return problem.clean


def other_people(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """A held-out photo of somebody else for each case; none comes twice before all came once."""
    pool = torch.cat([portraits.images for portraits in others])
    order = np.random.default_rng([case.seed for case in cases]).permutation(len(pool))
    return pool[[int(order[i % len(order)]) for i in range(len(cases))]]


def ceiling(metrics: Sequence[str], parts: Parts | None = None) -> Reference:
    """The row of real photos: what a perfect answer would score."""
    return Reference("real_photos", "Real photos", "ceiling", tuple(metrics), False, real_photos, parts=parts)


def floor(metrics: Sequence[str], parts: Parts | None = None) -> Reference:
    """The row of other people's photos: what an answer with no idea of the person would score."""
    return Reference("other_people", "Other people", "floor", tuple(metrics), True, other_people, parts=parts)


def stem(file: str) -> str:
    """The name of a photo without suffix, and without its folder where that is ``test`` or ``train``."""
    split, _, name = file.rpartition("/")
    name = name.rsplit(".", 1)[0]
    return name if split in ("", "test", "train") else f"{split}-{name}"
