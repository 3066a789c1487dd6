"""One person's prior on another's photos: Figure 14 of the paper (section 6), all pairs instead of one.

Held-out photos of everyone in the run are restored by everyone's prior. The paper says that what comes out resembles
neither: here the identity similarity to whom the prior is of, and to who is in the photo, are both measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.super_resolution import SuperResolution

BETA = 0.05
TASK = SuperResolution(8)


def parts(person: Person, people: Sequence[Person], settings: common.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """A part for each prior, with the same photos of ``person``."""
    order = common.photos_in_order(person, seed, settings.photos)
    plain = [TASK.case(person, i, seed) for i in order]
    return tuple(
        Part(
            TASK,
            tuple(replace(case, name=f"{case.name}-by-{other.name}") for case in plain),
            condition="own" if other.name == person.name else "another",
            prior_of=other.name,
        )
        for other in people
    )


OF_PHOTOS = ("maps_subject", "identity_subject")

SUITE = Suite(
    name="mismatch",
    version=1,
    title="Mismatch",
    paper="Figure 14",
    methods=(Variant("mystyle", "MyStyle (ours)", "mystyle", partial(common.with_beta, BETA)),),
    metrics=("maps_train", "maps_subject", "identity", "identity_subject", "perceptual", "consistency"),
    references=(common.ceiling(OF_PHOTOS),),
    conditions={"own": "The person's own prior", "another": "Another person's prior"},
    figures=(
        Figure(
            "matrix",
            "mismatch",
            f"A held-out photo of each person (rows), made {TASK.factor} times smaller, and what each person's prior "
            "(columns) makes of it, as in Figure 14. Numbers: identity, to the person in the photo and to the prior's.",
            {"method": "mystyle", "values": ["identity_subject", "identity"]},
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 4 pairs: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 2, "3 people, 2 photos each, 9 pairs: 5 minutes on two cores"),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, 169 pairs, every photo: for a GPU"),
        "paper": common.PhotoSettings(
            ("michelle_obama", "angela_merkel"), None, "the 2 people of Figure 14, every photo: for a GPU"
        ),
    },
    parts=parts,
)
