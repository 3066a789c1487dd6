"""Traits of the person's own, hidden and filled in: Figures 1, 9 and 11, and of a smile Figure 13.

The paper shows a drooping lid, moles, and a smile that are as the person has them, and counts nothing. Rendered people
have known marks and smiles, so that what a filled hole shows of them can be measured (``own_trait``).
Figure 13 edits the expression; here the smile of a smiling photo is hidden, which needs no reading of how far an edit
went.

Held-out photos are taken whose person has such traits, and where the person smiles, for the smile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.api.suite import Figure, Suite
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.own_traits import OwnTraits
from datasets.synthetic.traits import GROUPS, Group

TITLES = {"marks": "Marks", "smile": "Smile"}
SMILING = 0.4  # of the parameter smile, which ends at 1


def parts(person: Person, people: Sequence[Person], settings: common.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """A part for each group of traits."""
    order = common.photos_in_order(person, seed)
    found = []
    for group in GROUPS:
        task = OwnTraits(group)
        chosen = [i for i in order if has_trait(person.held_out[i].parameters, group)][: settings.photos]
        if chosen:
            found.append(Part(task, tuple(task.case(person, i, seed) for i in chosen), condition=group))
    return tuple(found)


def has_trait(parameters: Mapping[str, float], group: Group) -> bool:
    """Whether a photo may show one; of photographs nobody knows, and the task says so."""
    if not set(GROUPS[group]) <= set(parameters):
        return True
    smiles = group != "smile" or parameters["smile"] > SMILING
    return smiles and any(parameters[name] for name in GROUPS[group])


METRICS = ("own_trait", "identity", "hole_distance", "hole_distance_judge", "hole_psnr")

SUITE = Suite(
    name="own_traits",
    version=1,
    title="Own traits",
    paper="Figures 1, 9, 11, 13",
    methods=("mean_photo", "nearest_photo", "comodgan", "comodgan_ft", "diffaugment", "untuned", "mystyle"),
    floors=frozenset({"mean_photo", "nearest_photo"}),
    metrics=METRICS,
    references=(common.ceiling(("own_trait", "identity")),),
    conditions=TITLES,
    figures=(
        Figure(
            "grid",
            "own_traits",
            "Holes where a trait of the person's own was: what each method fills in.",
            {
                "columns": [
                    *("nearest_photo", "comodgan", "comodgan_ft", "diffaugment"),
                    *("untuned", "mystyle", "real_photos"),
                ],
            },
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, marks and smiles: the plumbing"),
        "quick": common.PhotoSettings(
            common.SHORT[1:], 2, "2 people, 2 photos each, marks and smiles: seven minutes on two cores"
        ),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=parts,
)
