"""Size and diversity of the reference set: Figure 7 of the paper (section 4.3).

Subsets of the reference photos of several sizes; for each a prior is tuned, and held-out photos are inverted into
P_0. Their error is what the prior can express. Set beside the size and beside how diverse the subset is.

Where the paper is silent or cannot be followed, we choose:

- *test photos*. It takes 20, more than Table 5 leaves; held-out photos are completed by ``extra`` ones, rendered for
  this.
- *200*, "the entire set", is all photos of people with fewer, and 200 of them otherwise.
- *space*. "P_0", by the protocol of section 3.3, which ends in P+: so P+_0.
- *length of tuning*. The same number of epochs, as in the paper. The quick preset makes so few of them that ten
  photos would be seen only some hundred times; there every subset has at least 240 steps.
- Subsets are decided by person, size, repeat and seed: the same for all methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.api.seeds import item_seed
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.inversion import Inversion

FIGURE_7 = ("joe_biden", "emilia_clarke", "michelle_obama")


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    sizes: tuple[tuple[int, int], ...]  # (photos, repeats)
    photos: int  # inverted
    summary: str
    least_steps: int = 0  # of tuning


@dataclass(frozen=True)
class SubsetPart(Part):
    least_steps: int = 0  # of tuning


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each subset, with the same held-out photos."""
    order = common.photos_in_order(person, seed, settings.photos)
    task = Inversion()
    plain = [task.case(person, i, seed) for i in order]
    return tuple(
        SubsetPart(
            task,
            tuple(replace(case, name=f"{case.name}-{size:03d}-{repeat}") for case in plain),
            condition=str(size),
            level=min(size, len(person.train)),
            train=subset(person, size, repeat, seed),
            least_steps=settings.least_steps,
        )
        for size, repeats in sizes(len(person.train), settings)
        for repeat in range(repeats)
    )


def sizes(photos: int, settings: Settings) -> list[tuple[int, int]]:
    """(size, repeats) for a person with so many ``photos``: of the sizes that are all of them only the first, once."""
    smaller = [(size, repeats) for size, repeats in settings.sizes if size < photos]
    whole = [size for size, _ in settings.sizes if size >= photos]
    return smaller + [(size, 1) for size in whole[:1]]


def subset(person: Person, size: int, repeat: int, seed: int) -> tuple[str, ...]:
    """``size`` of the person's reference photos, in their order."""
    files = [photo.file for photo in person.train]
    rng = np.random.default_rng(item_seed("subset", person.name, size, repeat, seed))
    chosen = rng.permutation(len(files))[:size]
    return tuple(files[i] for i in sorted(chosen))


def within_the_hull(settings: Any, part: Part) -> Any:
    """MyStyle with beta = 0, and no fewer steps of tuning than the part asks for."""
    assert isinstance(part, SubsetPart) and part.train is not None
    fit, least = settings.fit, part.least_steps
    batches = -(-len(part.train) // fit.batch)
    epochs = max(fit.epochs, -(-least // batches))
    return replace(settings, fit=replace(fit, epochs=epochs), restore=replace(settings.restore, beta=0.0))


SIZES = (10, 25, 50, 100, 200)
PAPER = ((10, 5), (50, 5), (100, 5), (200, 1))

SUITE = Suite(
    name="dataset_size",
    version=1,
    title="Size of the reference set",
    paper="Figure 7",
    methods=(Variant("mystyle_p0", "MyStyle, P+_0", "mystyle", within_the_hull),),
    metrics=("perceptual", "maps_heldout", "identity_subject", "true_identity", "set_diversity"),
    conditions={str(size): f"{size} photos" for size in SIZES} | {"200": "all photos, at most 200"},
    splits=("test", "extra"),
    figures=(
        Figure(
            "scatter",
            "dataset_size",
            "Inversion error of held-out photos against the size of the reference set, coloured by its diversity, laid "
            "out as Figure 7(a); a dot is a subset.",
            {"metric": "perceptual", "colour": "set_diversity", "label": "photos in the reference set"},
        ),
        Figure(
            "strips",
            "dataset_size_strips",
            "A held-out photo and its inversions, laid out as Figure 7(b).",
            {"columns": "level", "rows": 2},
        ),
        Figure(
            "curves",
            "dataset_size_curves",
            "Against the size of the set.",
            {"label": "photos", "log": True},
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], ((10, 1), (50, 1)), 2, "2 people, 2 sizes, 2 photos: the plumbing"),
        "quick": Settings(
            common.SHORT,
            ((10, 2), (50, 2), (100, 1), (200, 1)),
            3,
            "3 people, 10, 50 (twice), 100 and all photos, 3 inversions: 14 minutes on two cores",
            240,
        ),
        "full": Settings(FIGURE_7, PAPER, 20, "the 3 people of section 4.3, 16 subsets each, 20 photos: for a GPU"),
        "paper": Settings(FIGURE_7, PAPER, 20, "the same with the paper's steps: for a GPU"),
    },
    parts=parts,
)
