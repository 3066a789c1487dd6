"""Size and diversity of the reference set: Figure 7 of the paper (section 4.3).

Subsets of the reference photos of several sizes; for each a prior is tuned, and held-out photos are inverted into
P_0. Their error is what the prior can express. Set beside the size and beside how diverse the subset is.

Where the paper is silent or cannot be followed, we choose:

- *test photos*. It takes 20, more than Table 5 leaves; held-out photos are completed by ``extra`` ones, rendered for
  this.
- *200*, "the entire set", is all photos of people with fewer, and 200 of them otherwise.
- *space*. "P_0", by the protocol of section 3.3, which ends in P+: so P+_0.
- *length of tuning*. In the row *equal passes* every subset is seen as often, the method's number of epochs, as in the
  paper: a tenth of the photos has a tenth of the steps, so that size and training come together. In the row *equal
  steps* every subset has as many steps of the optimiser, whatever its size, which tells the two apart.
- Subsets are decided by person, size, repeat and seed: the same for all methods.
- *diversity*. Random subsets of one size hardly differ in it, and the paper's observation, that it is what counts in
  large sets, rests on few dots. So two subsets of one size are chosen besides, by thumbnails: the photos that are
  nearest to one photo, and photos that are far from each other. The column of diversity says whether they differ in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Resampling

from benchmarks.api.seeds import item_seed
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.inversion import Inversion
from mystyle.image_files import decode, open_image

FIGURE_7 = ("joe_biden", "emilia_clarke", "michelle_obama")
THUMBNAIL = 16  # pixels of a side


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    sizes: tuple[tuple[int, int], ...]  # (photos, repeats)
    photos: int  # inverted
    steps: int  # of every tuning in the row of equal steps
    summary: str
    contrasted: int  # photos of the subsets that are chosen by how much they vary


@dataclass(frozen=True)
class SubsetPart(Part):
    steps: int = 0  # of its tuning in the row of equal steps


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each subset, with the same held-out photos. The chosen ones would overlap in small sets."""
    order = common.photos_in_order(person, seed, settings.photos)
    task = Inversion()
    plain = [task.case(person, i, seed) for i in order]

    def part(label: str, condition: str, level: float | None, train: tuple[str, ...]) -> SubsetPart:
        cases = tuple(replace(case, name=f"{case.name}-{label}") for case in plain)
        return SubsetPart(task, cases, condition, level, train, steps=settings.steps)

    drawn = [
        part(f"{size:03d}-{repeat}", str(size), min(size, len(person.train)), subset(person, size, repeat, seed))
        for size, repeats in sizes(len(person.train), settings)
        for repeat in range(repeats)
    ]
    if len(person.train) < 2 * settings.contrasted:
        return tuple(drawn)
    contrast = contrasting(person, settings.contrasted, seed)
    return (*drawn, *(part(choice, choice, None, files) for choice, files in contrast.items()))


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


def contrasting(person: Person, size: int, seed: int) -> dict[str, tuple[str, ...]]:
    """``size`` of the person's reference photos, near to one of them and far from each other, in their order."""
    x = np.stack([thumbnail(person.folder / photo.file) for photo in person.train])
    first = int(np.random.default_rng(item_seed("chosen", person.name, size, seed)).integers(len(x)))
    near = np.square(x - x[first]).sum(axis=1)
    alike = np.argsort(near, kind="stable")[:size].tolist()
    varied = [first]
    while len(varied) < size:  # the one that is farthest from its nearest among them
        varied.append(int(near.argmax()))
        near = np.minimum(near, np.square(x - x[varied[-1]]).sum(axis=1))
    picked = {"alike": alike, "varied": varied}
    return {choice: tuple(person.train[i].file for i in sorted(places)) for choice, places in picked.items()}


def thumbnail(path: Path) -> np.ndarray:
    """A photo as so few numbers that differences are those of pose, light, hair and background."""
    with open_image(path) as image:
        small = decode(image).resize((THUMBNAIL, THUMBNAIL), Resampling.BOX)
    return np.asarray(small, np.float64).ravel()


def equal_steps(settings: Any, part: Part) -> Any:
    """MyStyle with beta = 0, and as many epochs of tuning as make about the part's steps."""
    assert isinstance(part, SubsetPart) and part.train is not None
    batches = -(-len(part.train) // settings.fit.batch)
    epochs = max(1, round(part.steps / batches))
    return replace(common.with_beta(0.0, settings, part), fit=replace(settings.fit, epochs=epochs))


SIZES = (10, 25, 50, 100, 200)
PAPER = ((10, 5), (50, 5), (100, 5), (200, 1))

SUITE = Suite(
    name="dataset_size",
    version=2,
    title="Size of the reference set",
    paper="Figure 7",
    methods=(
        Variant("mystyle_p0", "MyStyle P+_0, equal passes", "mystyle", partial(common.with_beta, 0.0)),
        Variant("mystyle_p0_steps", "MyStyle P+_0, equal steps", "mystyle", equal_steps),
    ),
    metrics=("perceptual", "maps_heldout", "identity_subject", "true_identity", "set_diversity"),
    conditions={str(size): f"{size} photos" for size in SIZES}
    | {"200": "all photos, at most 200"}
    | {"alike": "Chosen photos that are alike", "varied": "As many that vary"},
    splits=("test", "extra"),
    figures=(
        Figure(
            "scatter",
            "dataset_size",
            "Inversion error of held-out photos against the size of the reference set, coloured by its diversity, laid "
            "out as Figure 7(a), with equal passes; a dot is a subset.",
            {"metric": "perceptual", "colour": "set_diversity", "label": "photos in the reference set"}
            | {"method": "mystyle_p0"},
        ),
        Figure(
            "strips",
            "dataset_size_strips",
            "A held-out photo and its inversions, laid out as Figure 7(b).",
            {"columns": "level", "rows": 2, "people": 3},
        ),
        Figure(
            "curves",
            "dataset_size_curves",
            "Against the size of the set.",
            {"label": "photos", "log": True},
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], ((10, 1), (50, 1)), 2, 10, "2 people, 2 sizes, 2 photos: the plumbing", 10),
        "quick": Settings(
            common.SHORT[1:],
            ((10, 2), (50, 1), (100, 1), (200, 1)),
            2,
            208,
            "2 people, 10 (twice), 50, 100 and all photos, 2 chosen sets of 48, 2 photos: nine minutes on two cores",
            48,
        ),
        "full": Settings(
            FIGURE_7,
            PAPER,
            20,
            10_000,
            "the 3 people of section 4.3, 16 subsets and 2 chosen ones each, 20 photos: for a GPU",
            100,
        ),
        "paper": Settings(FIGURE_7, PAPER, 20, 100_000, "the same with the paper's steps: for a GPU", 100),
    },
    parts=parts,
)
