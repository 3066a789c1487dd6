"""Super-resolution: Table 3 and Figure 10 of the paper (section 5.2.2).

A held-out photo is made smaller by area means; the prior gives an image that explains it, and what lies around the
head is taken from the input enlarged by Lanczos's filter. Scored for identity, as inpainting is.

The paper has one task, 32 x 32 pixels to 1024 x 1024. On a domain of 128 px two things stand for it: an input of
the same size (x4), and the same factor (x32, four pixels a side). All four factors from x4 to x32 are run.

Where the paper is silent, we choose:

- *inputs*. The held-out photos of Table 5 only.
- *beta* = 0.05 is the paper's for this task, the method's own default being that of inpainting: so MyStyle's row is a
  variant of the method, which shares its prior.
- *Fidelity.* The paper declines PSNR and its like (section 5.2): a person restored from little may be right without
  being the photo, and a blurred one has the higher PSNR. They are what tables of super-resolution have, so they stand
  here beside identity, and not as a verdict.
- *GPEN* is run at every factor; the paper gives its fine-tuned form x16, because it was trained at 512 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.super_resolution import SuperResolution

TABLE_3 = ("michelle_obama", "emilia_clarke", "xi_jinping")
BETA = 0.05
FACTORS = (4, 8, 16, 32)


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int | None  # per person; None takes every held-out photo
    summary: str
    factors: tuple[int, ...] = FACTORS


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each factor, with the same photos."""
    return tuple(
        common.photo_part(task, person, settings, seed, f"x{task.factor:g}", task.factor)
        for task in map(SuperResolution, settings.factors)
    )


SUITE = Suite(
    name="super_resolution",
    version=1,
    title="Super-resolution",
    paper="Table 3, Figure 10",
    methods=(
        *("lanczos", "nearest_photo", "gpen", "gpen_ft", "diffaugment"),
        Variant("untuned", "MyStyle, not tuned", "untuned", partial(common.with_beta, BETA)),
        Variant("mystyle", "MyStyle (ours)", "mystyle", partial(common.with_beta, BETA)),
    ),
    floors=frozenset({"lanczos", "nearest_photo"}),
    metrics=(*common.OF_PERSON, "identity_shift", "perceptual", "lpips", "psnr", "ssim", "consistency"),
    references=(
        common.floor(common.OF_PERSON),
        common.ceiling(common.OF_PERSON),
    ),
    conditions={f"x{factor}": f"×{factor}" for factor in FACTORS},
    figures=(
        Figure(
            "grid",
            "super_resolution",
            "Super-resolution, laid out as Figure 10.",
            {"columns": ["lanczos", "gpen", "gpen_ft", "diffaugment", "untuned", "mystyle", "real_photos"]},
        ),
        Figure("curves", "super_resolution_curves", "Against the factor.", {"label": "factor", "log": True}),
    ),
    published=(
        Published(
            "Table 3 of MyStyle (Nitzan et al., 2022), 32 to 1024 px; here beside inputs of 32 px",
            {
                "gpen": {"maps_train": (0.65, 0.09), "user_percent": 0.3},
                "gpen_ft": {"maps_train": (0.75, 0.09), "user_percent": 2.2},
                "diffaugment": {"maps_train": (0.75, 0.05), "user_percent": 4.6},
                "mystyle": {"maps_train": (0.81, 0.04)},
            },
            "x4",
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 1, "2 people, 1 photo each, x8 and x16: the plumbing", (8, 16)),
        "quick": Settings(common.SHORT[1:], 2, "2 people, 2 photos each at 4 factors: nine minutes on two cores"),
        "full": Settings(
            common.EVERYBODY,
            None,
            "all 13 people, every held-out photo, 4 factors: for a GPU",
        ),
        "paper": Settings(TABLE_3, None, "the 3 people of Table 3, every held-out photo, 4 factors: for a GPU"),
    },
    parts=parts,
)
