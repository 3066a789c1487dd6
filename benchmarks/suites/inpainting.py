"""Inpainting: Table 2 and Figure 9 of the paper (section 5.2.1).

A known mask hides part of a held-out photo, x * m; the prior fills the hole, and the result is blended with the known
pixels, for all methods alike. What comes out is scored for how much it looks like the person: the paper scores against
the reference set (``maps_train``) and, with reason, not against the hidden pixels.

Where the paper is silent, we choose:

- *inputs*. Neither photos nor their number are named (the user study alone had 430 answers). We use the held-out photos
  of Table 5 only, never a photo of the reference set.
- *masks*. Not described. Five rules of ``datasets.masks``: eyes, mouth, half of the face, centre, free-form strokes.
- *pairing*. ``full`` and ``paper`` take every held-out photo under every rule. The smaller presets take the beginning
  of that list, in an order (photos shuffled by the seed) in which no rule and no photo comes again before it must.
- *what is scored*. The blended picture, as written to PNG.
- *seeds*. One (0) unless asked for more; a case's mask and noise come from person, photo, rule and seed.
- *blend*. A hard edge, as the text has it (the official code dilates the hole and clones by Poisson's equation).
- ``beta`` = 0.02 is the method's setting, not the suite's.

Two rows frame the methods: the held-out photos themselves (what a perfect answer would score) and photos of the other
people of the run (what an answer with no idea of the person would score).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.protocol import Case, Problem, Reference, Suite, check_output
from benchmarks.seeds import item_seed
from datasets.masks import mask
from datasets.splits import CELEBRITIES
from mystyle.degradations import Inpainting
from mystyle.types import Image, Portraits, Restores

TABLE_2 = ("barack_obama", "lady_gaga", "jeff_bezos")
BATCH = 16  # images restored at once; bounds the memory and changes no number beyond rounding


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    cases: int | None  # per person; None takes every held-out photo under every rule
    summary: str
    rules: tuple[str, ...] = ("eyes", "mouth", "half", "centre", "strokes")


def cases(person: str, held_out: Sequence[str], settings: Settings, seed: int) -> tuple[Case, ...]:
    """The person's cases, from the names of the held-out photos."""
    order = np.random.default_rng(item_seed("photos", person, seed)).permutation(len(held_out))
    pairs = [(int(order[i]), settings.rules[j]) for i, j in pair(len(order), len(settings.rules))]
    return tuple(_case(person, photo, held_out[photo], rule, seed) for photo, rule in pairs[: settings.cases])


def pair(photos: int, rules: int) -> Iterator[tuple[int, int]]:
    """Every (photo, rule) once, in an order whose every beginning uses the photos and the rules as evenly as can be.

    Both advance together; whenever they meet their start again, after lcm(photos, rules) steps, the photos skip one.
    """
    lap = math.lcm(photos, rules)
    return (((k + k // lap) % photos, k % rules) for k in range(photos * rules))


def problem(held_out: Portraits, cases: Sequence[Case]) -> Problem:
    """The cases as tensors: clean and degraded photos, and the masks."""
    clean = held_out[[case.photo for case in cases]].images
    known = torch.cat([mask(case.mask, clean.shape[-1], case.mask_seed) for case in cases])
    degradation = Inpainting(known)
    return Problem(clean, known, degradation(clean), degradation)


def solve(prior: Restores, problem: Problem, cases: Sequence[Case]) -> Image:
    """The prior's pictures, blended with the known pixels."""
    pictures = []
    for start in range(0, len(cases), BATCH):
        part = slice(start, start + BATCH)
        degraded, degradation = problem.degraded[part], problem.degradation[part]
        output = prior.restore(degraded, degradation, seeds=[case.seed for case in cases[part]])
        check_output(output, degraded)
        pictures.append(degradation.composite(output.to(degraded), degraded))
    return torch.cat(pictures)


def real_photos(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """The photo that each case was made from."""
    return problem.clean


def other_people(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """A held-out photo of somebody else for each case; none comes twice before all came once."""
    pool = torch.cat([portraits.images for portraits in others])
    order = np.random.default_rng([case.seed for case in cases]).permutation(len(pool))
    return pool[[int(order[i % len(order)]) for i in range(len(cases))]]


def _case(person: str, photo: int, file: str, rule: str, seed: int) -> Case:
    stem = file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return Case(
        name=f"{stem}-{rule}",
        photo=photo,
        file=file,
        mask=rule,
        mask_seed=item_seed("mask", person, file, rule, seed),
        seed=item_seed("restore", person, file, rule, seed),
    )


OF_PERSON = ("maps_train", "maps_heldout", "identity")  # the metrics that say something about a photo left whole

SUITE = Suite(
    name="inpainting",
    version=1,
    title="Inpainting",
    figure="Figure 9",
    columns=("nearest_photo", "comodgan", "comodgan_ft", "diffaugment", "mystyle", "real_photos"),
    methods=("mean_photo", "nearest_photo", "comodgan", "comodgan_ft", "diffaugment", "mystyle"),
    floors=frozenset({"mean_photo", "nearest_photo"}),
    metrics=(*OF_PERSON, "hole_distance", "seam"),
    references=(
        Reference("other_people", "Other people", "floor", OF_PERSON, needs_other_people=True, outputs=other_people),
        Reference("real_photos", "Real photos", "ceiling", OF_PERSON, needs_other_people=False, outputs=real_photos),
    ),
    published={
        "comodgan": {"maps_train": (0.55, 0.08)},
        "comodgan_ft": {"maps_train": (0.71, 0.08)},
        "diffaugment": {"maps_train": (0.68, 0.09)},
        "mystyle": {"maps_train": (0.72, 0.08)},
    },
    published_source="Table 2 of MyStyle (Nitzan et al., 2022)",
    presets={
        "smoke": Settings(TABLE_2[1:], 2, "2 people, 2 cases each: the plumbing, in about a minute on two cores"),
        "quick": Settings(TABLE_2, 5, "the 3 people of Table 2, 5 cases each: 9 minutes on two cores"),
        "full": Settings(
            tuple(person.name for person in CELEBRITIES),
            None,
            "all 13 people, every held-out photo under every mask (630 cases): for a GPU",
        ),
        "paper": Settings(
            TABLE_2, None, "the 3 people of Table 2, every photo and mask (110 cases), the paper's steps: for a GPU"
        ),
    },
    verb=Restores,
    cases=cases,
    problem=problem,
    solve=solve,
)
