"""Extreme poses and covered faces: the limitation that section 6 of the paper names, and shows nothing of.

The same held-out photos as they are, turned to a pose that no generator of the domain learned, and with mouth and chin
behind something (``benchmarks.tasks.hard_photos`` says how). All are inverted within beta = 0.05, and without a bound,
since the paper's reason is that such photos lie outside the "healthy" regions of the latent space.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import get_args

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.suites.dilation import row
from benchmarks.tasks.hard_photos import HardPhotos, Kind

BETA = 0.05
TITLES = {"ordinary": "As they are", "turned": "Turned by 60°", "covered": "Mouth and chin covered"}
assert set(TITLES) == set(get_args(Kind))


def parts(person: Person, people: Sequence[Person], settings: common.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """A part for each kind, of the same photos."""
    return tuple(common.photo_part(HardPhotos(kind), person, settings, seed, kind) for kind in get_args(Kind))


SUITE = Suite(
    name="hard_photos",
    version=1,
    title="Hard photos",
    paper="6",
    methods=(
        Variant("untuned", "MyStyle, not tuned", "untuned", partial(common.with_beta, BETA)),
        Variant("mystyle", "MyStyle (ours)", "mystyle", partial(common.with_beta, BETA)),
        row(None),
    ),
    metrics=("perceptual", "psnr", "identity_photo", "identity", "accepted", "maps_train", "dilation"),
    references=(common.ceiling(("identity", "accepted", "maps_train")),),
    conditions=TITLES,
    figures=(
        Figure("grid", "hard_photos", "Inversions of photos as they are, turned and covered."),
        Figure(
            "tradeoff", "hard_photos_tradeoff", "Fidelity and identity.", {"x": "perceptual", "y": "identity_photo"}
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 3 kinds: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 2, "3 people, 2 photos each, 3 kinds: five minutes on two cores"),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=parts,
)
