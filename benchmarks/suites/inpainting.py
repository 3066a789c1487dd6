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
- *what is scored*. The blended image, as written to PNG.
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

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Suite
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.inpainting import RULES, Inpainting


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    cases: int | None  # per person; None takes every held-out photo under every rule
    summary: str
    rules: tuple[str, ...] = RULES


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The person's cases in one part."""
    order = common.photos_in_order(person, seed)
    pairs = [(order[i], settings.rules[j]) for i, j in pair(len(order), len(settings.rules))]
    chosen = pairs[: settings.cases]
    task = Inpainting()
    return (Part(task, tuple(task.case(person, i, seed, rule) for i, rule in chosen)),)


def pair(photos: int, rules: int) -> Iterator[tuple[int, int]]:
    """Every (photo, rule) once, in an order whose every beginning uses the photos and the rules as evenly as can be.

    Both advance together; whenever they meet their start again, after lcm(photos, rules) steps, the photos skip one.
    """
    lap = math.lcm(photos, rules)
    return (((k + k // lap) % photos, k % rules) for k in range(photos * rules))


SUITE = Suite(
    name="inpainting",
    version=1,
    title="Inpainting",
    paper="Table 2, Figure 9",
    methods=("mean_photo", "nearest_photo", "comodgan", "comodgan_ft", "diffaugment", "untuned", "mystyle"),
    floors=frozenset({"mean_photo", "nearest_photo"}),
    metrics=(
        *common.OF_PERSON,
        *("identity_shift", "hole_distance", "hole_distance_judge", "hole_psnr", "hole_ssim", "seam"),
    ),
    references=(
        common.floor(common.OF_PERSON),
        common.ceiling(common.OF_PERSON),
    ),
    figures=(
        Figure(
            "grid",
            "inpainting",
            "Inpainting, laid out as Figure 9.",
            {
                "columns": [
                    *("nearest_photo", "comodgan", "comodgan_ft", "diffaugment"),
                    *("untuned", "mystyle", "real_photos"),
                ]
            },
        ),
    ),
    published=(
        Published(
            "Table 2 of MyStyle (Nitzan et al., 2022)",
            {
                "comodgan": {"maps_train": (0.55, 0.08), "user_percent": 0.9},
                "comodgan_ft": {"maps_train": (0.71, 0.08), "user_percent": 24.9},
                "diffaugment": {"maps_train": (0.68, 0.09), "user_percent": 9.3},
                "mystyle": {"maps_train": (0.72, 0.08)},
            },
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 2, "2 people, 2 cases each: the plumbing, in about a minute on two cores"),
        "quick": Settings(common.SHORT[1:], 5, "2 people, 5 cases each: eight minutes on two cores"),
        "full": Settings(
            common.EVERYBODY,
            None,
            "all 13 people, every held-out photo under every mask (630 cases): for a GPU",
        ),
        "paper": Settings(
            common.SHORT,
            None,
            "the 3 people of Table 2, every photo and mask (110 cases), the paper's steps: for a GPU",
        ),
    },
    parts=parts,
)
