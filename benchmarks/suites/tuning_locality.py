"""What pivotal tuning changes besides the photo: PTI's ablations, Figures 14 to 20.

One photo of each stranger is inverted; how near the inversion is, and how much the tuned generator's images of random
codes differ from the original's. Figure 16's pivots are rows, and so are the distances alpha of the locality
regularisation (Figure 17).

Where the paper is silent or cannot be followed, we choose:

- *alpha* is printed in the norm of a code over FFHQ's 18 layers. Rows have the same share of the RMS distance of codes
  from their mean: 8, 30, 60 and 120 are 0.21, 0.78, 1.56 and 3.12 of it.
- *Stopping.* The text tunes to the end, and so do all rows but the last, which stops as the released code does.
- *Several identities.* Figures 14 and 15 are of one generator tuned to 12 people at once: the rows *one generator*, of
  all people of a run, or sixteen at a time where they are more, tuned by as many updates for each photo as in other
  rows, in turn as in the released code; by the mean over photos (Eq. 3) an update would do less for each of them.
- *Pivots.* The rate at which they are optimised with the generator (E, F) is not given; here it is that of the
  descent that finds pivots. W+ is given as many steps as W. The text has C, E, D, F where the figure has C, D, E, F;
  titles are the figure's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from benchmarks.api.suite import Figure, Strangers, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.tuned_inversion import TunedInversion
from mystyle.locality import Locality

RMS = 9.06  # of FFHQ's codes about their mean, in W
ALPHAS = {alpha: round(alpha / 18**0.5 / RMS, 2) for alpha in (8, 30, 60, 120)}
REGULARISED = Locality(distance=ALPHAS[30])
METRICS = ("perceptual", "mse", "identity_photo", "in_domain_perceptual", "in_domain_mse", "in_domain_identity")


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    summary: str
    people: Strangers = field(default_factory=lambda: Strangers(2))
    codes: int = 32  # random ones, for each photo
    photos: int | None = 1  # per person


def to_the_end(settings: Any, part: Part) -> Any:
    """PTI as its text has it, without early stopping."""
    return replace(settings, tuning=replace(settings.tuning, stop_below=0.0))


def regularised(locality: Locality, settings: Any, part: Part) -> Any:
    return replace(to_the_end(settings, part), locality=locality)


def in_wplus(settings: Any, part: Part) -> Any:
    """The pivot in W+."""
    return replace(to_the_end(settings, part), pivot=replace(settings.pivot, space="w+"))


def together(locality: Locality | None, settings: Any, part: Part) -> Any:
    """One generator for everybody, as the released code does it."""
    return replace(to_the_end(settings, part), locality=locality, together="in turn")


def started(start: Literal["mean", "random"], joint: bool, settings: Any, part: Part) -> Any:
    """Without a descent; ``joint``: the pivot moves with the generator."""
    rate = settings.pivot.schedule.peak if joint else 0.0
    return replace(to_the_end(settings, part), start=start, pivot_rate=rate)


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    task = TunedInversion(codes=settings.codes)
    order = common.photos_in_order(person, seed, settings.photos)
    return (Part(task, tuple(task.case(person, i, seed) for i in order)),)


SUITE = Suite(
    name="tuning_locality",
    version=1,
    title="Locality of tuning",
    paper="Figures 14 to 20 of PTI",
    methods=(
        Variant("pivot_w", "A: W", "pti", to_the_end),
        Variant("pivot_wplus", "B: W+", "pti", in_wplus),
        Variant("pivot_mean", "C: mean code", "pti", partial(started, "mean", False)),
        Variant("pivot_random", "D: random code", "pti", partial(started, "random", False)),
        Variant("joint_mean", "E: joint, mean", "pti", partial(started, "mean", True)),
        Variant("joint_random", "F: joint, random", "pti", partial(started, "random", True)),
        *(
            Variant(f"alpha_{alpha}", f"α = {alpha}", "pti", partial(regularised, Locality(distance=distance)))
            for alpha, distance in ALPHAS.items()
        ),
        "pti",
        Variant("together", "One generator", "pti", partial(together, None)),
        Variant("together_alpha_30", "One generator, α = 30", "pti", partial(together, REGULARISED)),
    ),
    metrics=(*METRICS, "tuning_steps"),
    figures=(
        Figure("grid", "tuning_locality", "A photo of each person and its inversions, laid out as Figure 16."),
        Figure(
            "tradeoff",
            "tuning_locality_change",
            "How near the photo is, and how much images of random codes changed (Figures 15 and 17).",
            {"x": "in_domain_perceptual", "y": "perceptual", "joined": False},
        ),
    ),
    presets={
        "smoke": Settings("2 people: the plumbing", codes=4),
        "quick": Settings("6 people, 13 rows: nine minutes on two cores", Strangers(6), 16),
        "full": Settings("100 people: for a GPU", Strangers(100), 100),
        "paper": Settings("100 people: for a GPU", Strangers(100), 100),
    },
    parts=parts,
)
