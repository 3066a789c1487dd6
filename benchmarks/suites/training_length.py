"""Learning curves of the methods that train a generator on a person: is a preset's length enough, or too much?

Each method is trained anew at several multiples of its preset's length and draws samples. A method has reached its
plateau where likeness, acceptance and the distances of sets no longer move; it overfits where likeness to the
reference photos goes on rising while that to held-out photos falls, or samples become copies (appendix B.2: MyStyle
needs no early stop, DiffAugment does). A comparison of methods means something where each is at its plateau, whatever
that costs it; the other fair one is at equal cost (``--fit_seconds``).

The lengths are trained from the start, not read off one long run: MyStyle's rate and the averages of adversarial
training belong to the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.api.lengths import lengths, scaled, with_lengths
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common

FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Settings(common.SampleSettings):
    """One preset of the suite."""

    factors: tuple[float, ...]  # of the preset's length


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The same samples for each length."""
    (part,) = common.sample_parts(person, people, settings, seed)
    return common.at_levels(part, settings.factors)


def longer(settings: Any, part: Part) -> Any:
    """The method's settings with its fit as long as the part asks for."""
    assert part.level is not None
    return replace(settings, fit=with_lengths(settings.fit, scaled(lengths(settings.fit), part.level)))


SUITE = Suite(
    name="training_length",
    version=1,
    title="Length of training",
    paper="B.2",
    methods=tuple(
        Variant(name, title, name, longer)
        for name, title in (("ojha", "Ojha et al."), ("diffaugment", "DiffAugment"), ("mystyle", "MyStyle (ours)"))
    ),
    metrics=(
        *("maps_train", "maps_heldout", "identity", "accepted", "identity_shift"),
        *("pair_distance", "kid", "precision", "recall", "sharpness", "copy_rate"),
    ),
    references=(),
    conditions={f"{factor:g}": f"{factor:g} of the preset" for factor in FACTORS},
    figures=(
        Figure(
            "curves",
            "training_length",
            "Samples against the length of the training, in multiples of the preset's.",
            {"label": "length", "log": True},
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 20, "2 people, 2 lengths: the plumbing", (0.5, 1.0)),
        "quick": Settings(
            common.SHORT[2:], 100, "1 person, 3 lengths, 100 images each: eight minutes on two cores", (0.25, 0.5, 1.0)
        ),
        "full": Settings(common.EVERYBODY, 1000, "all 13 people, 5 lengths, 1,000 images each: for a GPU", FACTORS),
        "paper": Settings(common.FIGURE_17, 1000, "3 people, 5 lengths, 1,000 images each: for a GPU", FACTORS),
    },
    parts=parts,
)
