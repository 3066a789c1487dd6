"""How anchors are trained: what appendix C.3 of the paper leaves open beside its Figure 17.

C.3 trains the anchors together with the generator and finds the images worse. It gives no rate and no start. Here
the rate goes from one that hardly moves an anchor to one that takes it across W, and the start from the encoder's
codes to GLO's random ones; how far the anchors went is a column. The length of the training is the preset's: 16
passes in ``quick``, 400 in ``full``, 1000 in ``paper``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common

OF_PHOTOS = ("maps_train", "identity", "true_identity", "sharpness")

Start = Literal["encoder", "mean", "random"]


@dataclass(frozen=True)
class Settings(common.SampleSettings):
    """One preset of the suite."""

    photos: int | None = None  # of the reference set, the first ones; None: all


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The person's samples in one part."""
    files = tuple(photo.file for photo in person.train[: settings.photos])
    (part,) = common.sample_parts(person, people, settings, seed)
    return (replace(part, train=files),)


def trained(rate: float, start: Start, settings: Any, part: Part) -> Any:
    """GLO with another rate and start of its anchors."""
    return replace(settings, fit=replace(settings.fit, anchor_rate=rate, start=start))


def row(rate: float, start: Start) -> Variant:
    return Variant(f"glo_{start}_{rate:g}", f"{start}, rate {rate:g}", "glo", partial(trained, rate, start))


SUITE = Suite(
    name="anchor_training",
    version=1,
    title="Training of anchors",
    paper="C.3",
    methods=(
        *(row(rate, "encoder") for rate in (1e-3, 1e-2, 1e-1)),
        *(row(1e-2, start) for start in ("mean", "random")),
        "mystyle",
    ),
    metrics=(
        *("anchor_displacement", *common.OF_PERSON),
        *("pair_distance", "kid", "sharpness"),
    ),
    references=(common.ceiling(OF_PHOTOS, common.held_out_photos),),
    figures=(
        Figure("sheet", "anchor_training", "Random images with anchors trained in five ways, and with fixed ones."),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 60, "2 people, 20 photos, 60 images each: the plumbing", 20),
        "quick": Settings(
            common.SHORT[1:], 200, "2 people, 50 of their photos, 200 images in 6 rows: seven minutes on two cores", 50
        ),
        "full": Settings(common.EVERYBODY, 2000, "all 13 people, 2,000 images each in 6 rows: for a GPU"),
        "paper": Settings(common.FIGURE_17, 2000, "the 3 people of Figure 17, 2,000 images each in 6 rows: for a GPU"),
    },
    parts=parts,
)
