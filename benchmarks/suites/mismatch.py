"""One person's prior on another's photos: Figure 14 of the paper (section 6), all pairs instead of one.

Held-out photos of everyone in the run are restored by everyone's prior. The paper says that what comes out resembles
neither: here the likeness to whom the prior is of, and to who is in the photo, are both measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from benchmarks import tasks
from benchmarks.api.protocol import Figure, Part, Person, Suite, Variant
from mystyle.types import Restores

BETA = 0.05


def parts(person: Person, people: Sequence[Person], settings: tasks.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """A part for each prior, with the same photos of ``person``."""
    order = tasks.photos_in_order(person, seed, settings.photos)
    plain = [tasks.restoration(person.name, person.files, i, seed, factor=tasks.FACTOR) for i in order]
    return tuple(
        Part(
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
    methods=(Variant("mystyle", "MyStyle (ours)", "mystyle", partial(tasks.with_beta, BETA)),),
    metrics=("maps_train", "maps_subject", "identity", "identity_subject", "perceptual", "consistency"),
    references=(tasks.ceiling(OF_PHOTOS),),
    conditions={"own": "The person's own prior", "another": "Another person's prior"},
    figures=(
        Figure(
            "matrix",
            "mismatch",
            f"A held-out photo of each person (rows), made {tasks.FACTOR} times smaller, and what each person's prior "
            "(columns) makes of it, as in Figure 14. Numbers: identity, to the person in the photo and to the prior's.",
            {"method": "mystyle", "values": ["identity_subject", "identity"]},
        ),
    ),
    presets={
        "smoke": tasks.PhotoSettings(tasks.SHORT[1:], 1, "2 people, 1 photo each, 4 pairs: the plumbing"),
        "quick": tasks.PhotoSettings(tasks.SHORT, 2, "3 people, 2 photos each, 9 pairs: 5 minutes on two cores"),
        "full": tasks.PhotoSettings(tasks.EVERYBODY, None, "all 13 people, 169 pairs, every photo: for a GPU"),
        "paper": tasks.PhotoSettings(
            ("michelle_obama", "angela_merkel"), None, "the 2 people of Figure 14, every photo: for a GPU"
        ),
    },
    verb=Restores,
    parts=parts,
    problem=tasks.problem,
    solve=tasks.solve,
)
