"""Directions of the domain's generator in the tuned one (section 3.4 of the paper).

The paper finds "empirically" that a tuned generator stays aligned with its parent, so that directions found in the one
edit the other, and shows edits. Here a person's anchors, which are the same codes in both generators, are moved along
the domain's directions by the same strengths: the tuned generator should change the attribute as much, and show the
person. No photo is projected, and codes may leave the prior; ``editing`` and ``edit_policies`` are about edits within.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.api.suite import Figure, Suite
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.anchor_edits import AnchorEdits

ATTRIBUTES = {"yaw": "Pose (yaw)", "smile": "Smile", "age": "Age", "glasses": "Glasses"}
STRENGTHS = (-2.0, 2.0)  # standard deviations of W


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    anchors: int  # of each person
    summary: str


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each attribute, of the same anchors, both ways."""
    chosen, task = common.anchors_in_order(person, seed, settings.anchors), AnchorEdits()
    return tuple(
        Part(task, tuple(task.case(person, i, name, strength, seed) for i in chosen for strength in STRENGTHS), name)
        for name in ATTRIBUTES
    )


SUITE = Suite(
    name="directions",
    version=1,
    title="Directions after tuning",
    paper="3.4",
    methods=("untuned", "mystyle"),
    metrics=("edit_change", "identity", "accepted", "maps_heldout"),
    conditions=ATTRIBUTES,
    figures=(
        Figure("strips", "directions", "The same edits of anchors in both generators.", {"columns": "edits"}),
        Figure("tradeoff", "directions_tradeoff", "Change and identity.", {"x": "edit_change", "y": "identity"}),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 2, "2 people, 2 anchors each, 4 attributes: the plumbing"),
        "quick": Settings(common.SHORT, 20, "3 people, 20 anchors each, 4 attributes: two minutes on two cores"),
        "full": Settings(common.EVERYBODY, 50, "all 13 people, 50 anchors each: for a GPU"),
        "paper": Settings(common.SHORT, 50, "the 3 people of Table 2, 50 anchors each: for a GPU"),
    },
    parts=parts,
)
