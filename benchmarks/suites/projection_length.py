"""Length of projections: does a prior need an early stop (section 3.1, appendix B.2)?

MyStyle stops the projections into DiffAugment's prior after 200 steps, because longer ones leave it, and needs no such
stop itself. Held-out photos with a hole are restored with a quarter, with all and with four times the steps of the
preset: what longer descents gain on the known pixels shows in the hole as a loss where the prior does not hold.

Where the paper is silent, we choose inpainting, the centre mask, and the multiples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.api.lengths import lengths, scaled, with_lengths
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.inpainting import Inpainting

FACTORS = (0.25, 1.0, 4.0)


def parts(person: Person, people: Sequence[Person], settings: common.PhotoSettings, seed: int) -> tuple[Part, ...]:
    """The same holes for each length."""
    return common.at_levels(common.photo_part(Inpainting(), person, settings, seed, ""), FACTORS)


def longer(settings: Any, part: Part) -> Any:
    """The method's settings with projections as long as the part asks for."""
    assert part.level is not None
    return replace(settings, restore=with_lengths(settings.restore, scaled(lengths(settings.restore), part.level)))


SUITE = Suite(
    name="projection_length",
    version=1,
    title="Length of projection",
    paper="3.1, B.2",
    methods=tuple(
        Variant(name, title, name, longer)
        for name, title in (
            ("diffaugment", "DiffAugment"),
            ("untuned", "MyStyle, not tuned"),
            ("mystyle", "MyStyle (ours)"),
        )
    ),
    metrics=("maps_heldout", *common.IDENTITIES, "hole_distance", "hole_distance_judge", "hole_psnr", "hole_ssim"),
    conditions={f"{factor:g}": f"{factor:g} of the steps" for factor in FACTORS},
    figures=(
        Figure(
            "curves",
            "projection_length",
            "Filled holes against the length of the projection, in multiples of the preset's.",
            {"label": "length", "log": True},
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 3 lengths: the plumbing"),
        "quick": common.PhotoSettings(
            common.SHORT[1:], 2, "2 people, 2 photos each, 3 lengths: eight minutes on two cores"
        ),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=parts,
)
