"""What keeps embeddings where they can be edited: the regularisers of II2S, its Tables 5 to 7.

Photos are embedded in W+ without a regulariser, with Clip-c, Project-r and L2-lambda in P-norm+, and at ten times the
rate. How near the embeddings are is one half; the other is what can be made of two of them: the image in the middle
between them, in W+ and in P-norm+, and one with the first layers of the one and the last of the other.

Where the paper cannot be followed, we choose:

- *Pairs* are photos of one person, so that a value belongs to a person. FID and KID are from the mixed images to
  the person's reference photos, by the domain's judge; the paper's are to the ten inputs, by Inception.
- *Layers.* The first 7 of 18 are the content's: the same share of other generators'.
- *lambda* weights the sum over layers, as printed: a generator of 12 layers has two thirds of the terms of one of 18.
- *The higher rate* is ten times the preset's, with as many steps; the paper's 0.1 has 1,000 steps beside 1,200.
- *Pose* is edited in suite ``editing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.interpolation import Interpolation
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.style_mixing import StyleMixing
from mystyle.descent import Constant
from mystyle.latents.pnorm import SAMPLES

CLIPS, RADII, PENALTIES = (1, 2, 5, 7, 10), (1, 2, 5, 7, 10), (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
OF_PHOTOS = ("fid", "kid")


@dataclass(frozen=True)
class Settings(common.PhotoSettings):
    """One preset of the suite."""

    neighbours: int = 2  # photos that each one is mixed with
    samples: int = SAMPLES  # of the mapping network, for P-norm


def regularised(changes: dict[str, Any], settings: Any, part: Part) -> Any:
    """II2S with other regularisers than its own."""
    return replace(settings, restore=replace(settings.restore, **{"clip": None, **changes}))


def faster(settings: Any, part: Part) -> Any:
    """Without a regulariser, at ten times the rate."""
    free = regularised({}, settings, part)
    schedule = free.restore.schedule
    field = "rate" if isinstance(schedule, Constant) else "peak"
    quick = replace(schedule, **{field: 10 * getattr(schedule, field)})
    return replace(free, restore=replace(free.restore, schedule=quick))


def row(name: str, title: str, **changes: Any) -> Variant:
    return Variant(name, title, "ii2s", partial(regularised, changes))


def inversions(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The photos themselves."""
    task = Inversion()
    order = common.photos_in_order(person, seed, settings.photos)
    return (Part(task, tuple(task.case(person, i, seed) for i in order), "inversion"),)


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """The photos, and what is made of two of them in three ways."""
    order = common.photos_in_order(person, seed, settings.photos)
    ways = {
        "wplus": Interpolation("w+", count=1),
        "pnorm": Interpolation("p-norm+", count=1, whitening=settings.samples),
        "style_mix": StyleMixing(),
    }
    photos = [(person, i) for i in order]
    mixed = (
        Part(task, task.cases((person,), photos, condition, seed, settings.neighbours), condition)
        for condition, task in ways.items()
    )
    return (*inversions(person, people, settings, seed), *mixed)


TABLE_6 = {  # ssim, psnr, lpips
    "fast": (0.82, 24.08, 0.15),
    "free": (0.83, 24.43, 0.14),
    "clip_1": (0.77, 20.88, 0.26),
    "clip_2": (0.79, 22.53, 0.21),
    "clip_5": (0.82, 23.43, 0.17),
    "clip_7": (0.82, 23.77, 0.17),
    "clip_10": (0.82, 23.77, 0.16),
    "project_1": (0.78, 21.06, 0.26),
    "project_2": (0.78, 21.51, 0.24),
    "project_5": (0.80, 22.48, 0.21),
    "project_7": (0.81, 22.87, 0.20),
    "project_10": (0.82, 23.57, 0.17),
    "l2_1e-04": (0.66, 14.32, 0.53),
    "l2_1e-05": (0.70, 16.97, 0.43),
    "l2_1e-06": (0.74, 19.32, 0.31),
    "l2_1e-07": (0.80, 21.71, 0.22),
    "l2_1e-08": (0.82, 23.91, 0.16),
}
FIDS = {  # of Tables 7 and 6: interpolation in W+ and in P-norm+, style mixing
    "fast": (129.44, 266.72, 154.82),
    "free": (116.33, 223.34, 136.79),
    "clip_1": (121.71, 122.12, 126.30),
    "clip_2": (121.83, 130.84, 124.87),
    "clip_5": (119.89, 142.22, 135.97),
    "clip_7": (120.56, 136.08, 138.14),
    "clip_10": (119.01, 158.41, 135.01),
    "project_1": (117.78, 124.11, 125.46),
    "project_2": (123.47, 124.26, 126.95),
    "project_7": (125.72, 291.69, 136.35),
    "project_10": (121.58, 372.70, 140.52),
    "l2_1e-04": (217.87, 218.07, 208.72),
    "l2_1e-05": (161.67, 161.35, 152.51),
    "l2_1e-06": (123.68, 122.70, 120.25),
    "l2_1e-07": (118.23, 118.44, 122.81),
    "l2_1e-08": (116.31, 177.42, 137.43),
}
CONDITIONS = {
    "inversion": "Inversion",
    "wplus": "Middle in W+",
    "pnorm": "Middle in P-norm+",
    "style_mix": "Style mixing",
}

SUITE = Suite(
    name="latent_regularisers",
    version=1,
    title="Regularisers of codes",
    paper="Tables 5 to 7 of II2S",
    methods=(
        Variant("fast", "None, tenfold rate", "ii2s", faster),
        row("free", "None"),
        *(row(f"clip_{c}", f"Clip-{c}", clip=float(c)) for c in CLIPS),
        *(row(f"project_{r}", f"Project-{r}", radius=float(r)) for r in RADII),
        *(row(f"l2_{weight:.0e}", f"L2-{weight:.0e}", penalty=weight) for weight in PENALTIES),
    ),
    metrics=(
        *("perceptual", "lpips", "mse", "psnr", "ssim", "identity_photo"),
        *("code_distance", "code_outliers", "identity", "fid", "kid", "fid_inception"),
    ),
    references=(common.ceiling(OF_PHOTOS, inversions),),
    conditions=CONDITIONS,
    figures=(
        Figure("grid", "latent_regularisers", "Photos and what is made of their codes by every regulariser."),
        Figure(
            "tradeoff",
            "latent_regularisers_tradeoff",
            "Images of two codes beside a person's photos, and how far they are from who that is.",
            {"x": "kid", "y": "identity", "joined": False},
        ),
    ),
    published=(
        Published(
            "Table 6 of II2S (Zhu et al., 2020)",
            {name: {"ssim": ssim, "psnr": psnr, "lpips": lpips} for name, (ssim, psnr, lpips) in TABLE_6.items()},
            "inversion",
        ),
        *(
            Published(
                f"Table {table} of II2S (Zhu et al., 2020), to the inputs",
                {name: {"fid_inception": fids[column]} for name, fids in FIDS.items()},
                condition,
            )
            for column, (condition, table) in enumerate((("wplus", 7), ("pnorm", 7), ("style_mix", 6)))
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 3, "2 people, 3 photos each: the plumbing", 1, 10_000),
        "quick": Settings(
            common.SHORT[1:], 5, "2 people, 5 photos each, 10 pairs of them, 17 rows: eight minutes on two cores"
        ),
        "full": Settings(common.EVERYBODY, 20, "all 13 people, 20 photos each: for a GPU", 5),
        "paper": Settings(common.EVERYBODY, 20, "all 13 people, 20 photos each: for a GPU", 5),
    },
    parts=parts,
)
