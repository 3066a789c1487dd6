"""Nearest neighbours: Figure 16 of the paper (appendix C.2).

Outputs of synthesis, inpainting and super-resolution beside the reference photo that is nearest by the perceptual
distance. A prior that has learned its photos by heart would show them again; the distances say how near it comes,
and held-out photos how near a new photo of the person is. For restored photos the comparison with the photo itself
is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.api.metric import Evaluation
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.metrics.neighbours import neighbours
from benchmarks.suites import common
from benchmarks.tasks.synthesis import Synthesis
from mystyle.types import Image

BETA = {"synthesis": 0.02, "inpainting": 0.02, "super_resolution": 0.05}
RESTORED = common.RESTORATIONS[1:]  # with something to restore
KEPT = 12


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    samples: int  # per person
    photos: int | None  # per person and task; None takes every held-out photo
    summary: str


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """Samples, and the same photos with a hole and small."""
    restored = common.photo_parts(RESTORED, person, people, settings, seed)
    sampling = Synthesis()
    samples = Part(sampling, sampling.cases(person.name, settings.samples, seed), sampling.name, kept=KEPT)
    return (samples, *restored)


def photos(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The held-out photos that are restored, and all of them beside the samples."""
    samples, *restored = parts(person, people, settings, seed)
    (everyone,) = common.held_out_photos(person, people, settings, seed)
    return (replace(everyone, condition=samples.condition), *restored)


def dilated(settings: Any, part: Part) -> Any:
    """MyStyle with the dilation of the task."""
    return common.with_beta(BETA[part.condition], settings, part)


def nearest_photos(evaluation: Evaluation, n: int) -> Mapping[str, Image]:
    """The reference photo nearest to each of the first ``n`` outputs."""
    return {"nearest": evaluation.train.images[neighbours(evaluation).photo[:n]]}


METRICS = ("copy_distance", "copy_rate", "maps_train", "maps_heldout")

SUITE = Suite(
    name="nearest_neighbour",
    version=1,
    title="Nearest neighbours",
    paper="Figure 16",
    methods=(Variant("mystyle", "MyStyle (ours)", "mystyle", dilated),),
    metrics=METRICS,
    references=(common.ceiling(("copy_distance", "maps_train"), photos),),
    conditions={"synthesis": "Synthesis"} | {task.name: task.title for task in RESTORED},
    companions=nearest_photos,
    figures=(
        Figure(
            "pairs",
            "nearest_neighbour",
            "Outputs beside the nearest reference photo, laid out as Figure 16.",
            {"method": "mystyle", "companion": "nearest"},
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 20, 1, "2 people, 20 samples and 2 restored photos each: the plumbing"),
        "quick": Settings(
            common.SHORT, 200, 3, "3 people, 200 samples and 6 restored photos each: 5 minutes on two cores"
        ),
        "full": Settings(
            common.EVERYBODY,
            1000,
            None,
            "all 13 people, 1,000 samples, every photo: for a GPU",
        ),
        "paper": Settings(common.SHORT, 1000, None, "the 3 people of Table 2, 1,000 samples, every photo: for a GPU"),
    },
    parts=parts,
)
