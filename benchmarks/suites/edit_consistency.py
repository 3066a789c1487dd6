"""Edit consistency: an edit that is projected again and undone should lead back (Table 3 and Figure 4 of MAGEC).

For each method, editor and attribute: a photo is projected, edited, its edit projected as a photo, and the edit undone
in the new code. What comes back is compared with the first projection, so that its distance from the photo plays no
part: ``inversion`` has that.

Where the paper cannot be followed, or leaves something open, we choose:

- *photos*. 1000 of CelebA-HQ, those without the target attribute; here the domain's strangers, one photo each, of whom
  are taken who by their true parameters are below the middle of the range of both attributes, so that all conditions
  have the same photos. Of photographs nobody knows the parameters, and all are taken.
- *male* is ``masculine``, from little to much.
- *strengths*. None are given; two standard deviations of W along the direction, which take an attribute from one side
  of the mean to the other.
- *components of GANSpace* and their layers were found by eye; here the domain's reader labels them
  (``mystyle.editors.labelled``).
- *distance*. LPIPS; here the domain's perceptual distance, which is also what the methods descend on.
- *rows*. The first three are the paper's; the others are II2S, the domain's encoder, and PTI, with a generator for each
  of the two projections.

An edit that changes nothing is consistent with anything. So ``still_edits`` counts those without a value, and
``improved_target`` says whether the edits gave the attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Strangers, Suite
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.cyclic_projection import CyclicProjection
from datasets.folders import Photo
from datasets.synthetic.parameters import PARAMETERS

EDITORS = {"interfacegan": "InterFaceGAN", "ganspace_labelled": "GANSpace"}
ATTRIBUTES = {"gender": "masculine", "smile": "smile"}
CONDITIONS = {
    f"{editor}_{name}": f"{title}, {name}" for editor, title in EDITORS.items() for name in ATTRIBUTES
}  # in the order of the published columns
TOGETHER = 16  # people whose photos descend at once
MIDDLE = {p.name: (p.low + p.high) / 2 for p in PARAMETERS}
SCORES = {
    "i2s_pp": (0.97, 1.00, 1.07, 0.98),
    "magec_off": (1.01, 0.95, 1.06, 0.90),
    "magec": (0.84, 0.87, 0.95, 0.79),
}


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    summary: str
    people: Strangers
    photos: int | None = 1  # per person
    cycles: int | None = None  # people, the first whose photos lack the attributes; None: all of them
    strength: float = 2.0  # standard deviations of W


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The cycles of the person's photos under every condition, with guests whose photos descend beside them."""
    photos = {p.name: lacking(p, settings, seed) for p in people}
    names = [name for name, positions in photos.items() if positions][: settings.cycles]
    if person.name not in names:
        return ()
    first = names.index(person.name) // TOGETHER * TOGETHER
    guests = tuple(name for name in names[first : first + TOGETHER] if name != person.name)
    found = []
    for editor in EDITORS:
        for name, attribute in ATTRIBUTES.items():
            task = CyclicProjection(attribute, settings.strength, editor, seed)
            condition = f"{editor}_{name}"
            cases = tuple(case for i in photos[person.name] for case in task.cases(person, i, condition))
            found.append(Part(task, cases, condition, guests=guests))
    return tuple(found)


def lacking(person: Person, settings: Settings, seed: int) -> list[int]:
    """Positions of the person's photos without any of the attributes, by their true parameters where they have them."""
    order = common.photos_in_order(person, seed, settings.photos)
    return [i for i in order if lacks_all(person.held_out[i])]


def lacks_all(photo: Photo) -> bool:
    known = set(ATTRIBUTES.values()) & set(photo.parameters)
    return all(photo.parameters[name] < MIDDLE[name] for name in known)


SUITE = Suite(
    name="edit_consistency",
    version=1,
    title="Edit consistency",
    paper="Table 3 and Figure 4 of MAGEC",
    methods=("i2s_pp", "magec_off", "magec", "ii2s", "domain_encoder", "e4e", "pti"),
    metrics=("edit_consistency", "improved_target", "still_edits"),
    conditions=CONDITIONS,
    figures=(
        Figure(
            "extremes",
            "edit_consistency_extremes",
            "The most and the least consistent cycle of each method, over all edits, laid out as Figure 4(b).",
            {"metric": "edit_consistency"},
        ),
    ),
    published=tuple(
        Published(
            "Table 3 of MAGEC (Grechka et al., 2021)",
            {row: {"edit_consistency": scores[column]} for row, scores in SCORES.items()},
            condition,
        )
        for column, condition in enumerate(CONDITIONS)
    ),
    presets={
        "smoke": Settings("8 people: the plumbing", Strangers(8), cycles=2),
        "quick": Settings("15 people, photos of five: nine minutes on two cores", Strangers(15), 1, 6),
        "full": Settings("100 people, photos of about 25: for a GPU", Strangers(100)),
        "paper": Settings("1000 people, photos of about 250: for a GPU", Strangers(1000)),
    },
    parts=parts,
)
