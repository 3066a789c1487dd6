"""Directions of the domain's generator in the tuned one (section 3.4 of the paper).

The paper finds "empirically" that a tuned generator stays aligned with its parent, so that directions found in the one
edit the other, and shows edits. Here the same photos are projected into P_beta of both, and codes are moved along
the domain's directions by the same strengths: the tuned generator should change the attribute as much, and keep the
person.

Edits go on beyond the prior, since those that are projected back are no longer along the direction; ``edit_policies``
compares the two. Within the anchors' span a direction is shorter than in W, in both rows alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.suites.editing import BETA
from benchmarks.tasks.edits import Edits

ATTRIBUTES = {"yaw": "Pose (yaw)", "smile": "Smile", "age": "Age", "glasses": "Glasses"}
STRENGTHS = (-1.0, 1.0)  # standard deviations of W


def parts(person: Person, people: Sequence[Person], settings: common.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """A part for each attribute, of the same photos, both ways."""
    order, task = common.photos_in_order(person, seed, settings.photos), Edits()

    def of(name: str) -> Part:
        wanted = [(i, k, strength) for i in order for k, strength in enumerate(STRENGTHS)]
        cases = [task.case(person, i, f"{name}-{k}", seed, edits=((name, strength),)) for i, k, strength in wanted]
        return Part(task, tuple(cases), condition=name)

    return tuple(of(name) for name in ATTRIBUTES)


def along(settings: Any, part: Part) -> Any:
    """Inversions of ``editing``, and edits that are not projected back."""
    found = common.with_beta(BETA, settings, part)
    return replace(found, edit=replace(found.edit, policy="continue"))


SUITE = Suite(
    name="directions",
    version=1,
    title="Directions after tuning",
    paper="3.4",
    methods=(
        Variant("untuned", "MyStyle, not tuned", "untuned", along),
        Variant("mystyle", "MyStyle (ours)", "mystyle", along),
    ),
    metrics=("edit_change", "identity", "identity_photo", "accepted"),
    conditions=ATTRIBUTES,
    figures=(
        Figure("strips", "directions", "The same edits in both generators.", {"columns": "edits"}),
        Figure("tradeoff", "directions_tradeoff", "Change and identity.", {"x": "edit_change", "y": "identity"}),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 4 attributes: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 2, "3 people, 2 photos each, 4 attributes: a minute on two cores"),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=parts,
)
