"""Calibration: what the metrics of identity measure, on people whose true parameters are known.

A suite without methods. Each row is one factor of a portrait: the person's identity, or one parameter of appearance.
Photos of the benchmark's people are rendered again with that factor moved by known amounts and nothing else, and scored
as if a method had made them. A metric of identity should move with the identity that is put in and not mind the rest.
No collection of photographs can answer this.

How a factor is moved, as the dose goes from 0 (the photo rendered again unchanged) to 1:

- *identity*: along a great circle of identity scores from the person to a stranger, so that everyone on the way is as
  likely a member of the wide family as the two. The distance in scores, about 14 between two random people, grows in
  proportion to the dose. The stranger keeps the photo's appearance, and with it the person's habits (length of hair,
  age), so that the unit of the table is a change of the person and of nothing else. Each photo meets another stranger.
- *a parameter of appearance*: straight to an end of its range. Signed ones (yaw, the light's angle) go away from their
  middle, to the nearer end; the others to the farther one. Hues and places have no order: of their rows only the
  effect has a meaning. Traits that a photo cannot show (the shape of glasses that are not worn) are moved as well: not
  to react is the right answer, and in the population that is how often they can be seen.

The table gives the *effect*, the mean absolute change of the metric from dose 0 to dose 1 as a share of that of the
identity row, and the mean of Spearman's correlations between dose and metric over each photo's own sweep (0 where the
metric does not move at all). The perceptual distance is one to the photo itself, so that it can only rise.

What it cannot say: the feature network has seen such images and was taught identities and some of these parameters,
so that the suite describes these metrics on this domain and not MAPS on photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.api.suite import Figure, Reference, Suite
from benchmarks.api.task import Case, Part, Person
from benchmarks.suites import common
from benchmarks.tasks.sweep import Sweep, SweepProblem
from datasets.synthetic.parameters import IDENTITY, NAMES, PARAMETERS, position, score_at
from datasets.synthetic.renderer import render
from mystyle.types import Image, Portraits

METRICS = ("maps_train", "maps_heldout", "identity", "perceptual")
GROUPS = {
    "Pose": ("yaw", "pitch", "tilt", "body_turn"),
    "Expression": ("smile", "mouth_open", "eye_open", "gaze_x", "gaze_y", "brow_raise", "brow_knit"),
    "Light": (
        "light_angle", "light_height", "light_strength", "light_size", "light_warmth", "rim_light", "exposure",
    ),
    "Hair": ("hair_length", "hair_volume", "hair_sweep", "hair_tied", "fringe", "parting", "beard"),
    "Make-up, glasses, age": ("glasses", "glasses_shape", "lipstick", "eye_shadow", "blush", "age"),
    "Clothes, background": (
        "clothes_hue", "clothes_value", "neckline", "background_hue", "background_value", "background_slope",
        "background_scene", "background_place",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int  # per person, from the held-out set
    steps: int  # of a factor, besides dose 0
    summary: str


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """Dose 0 and ``steps`` even steps up to 1, for the first photos of an order that the seed decides."""
    task = Sweep()
    cases = [
        task.case(person, i, step, settings.steps, seed)
        for i in common.photos_in_order(person, seed, settings.photos)
        for step in range(settings.steps + 1)
    ]
    return (Part(task, tuple(cases)),)


def turn_identity(sweep: SweepProblem) -> Tensor:
    """Scores [n, P] of the photos with the person's identity turned towards the stranger's.

    The chord is the dose times that of a right angle, so that the distance is dose * sqrt(2) |g|.
    """
    n = len(IDENTITY)
    g, h = sweep.scores[:, :n], sweep.strangers[:, :n]
    across = h - (h * g).sum(1, keepdim=True) / g.square().sum(1, keepdim=True) * g
    across = across * (g.norm(dim=1) / across.norm(dim=1))[:, None]
    angle = 2 * torch.asin(sweep.doses[:, None] / 2**0.5)
    return torch.cat([g * angle.cos() + across * angle.sin(), sweep.scores[:, n:]], dim=1)


def move_appearance(name: str, sweep: SweepProblem) -> Tensor:
    """Scores [n, P] of the photos with one parameter moved to an end of its range, by the dose."""
    i = NAMES.index(name)
    p = PARAMETERS[i]
    t = position(p, sweep.scores[:, i])
    signed = p.low == -p.high
    end = ((t > 0.5) if signed else (t < 0.5)).double()
    moved = sweep.scores.clone()
    moved[:, i] = torch.where(sweep.doses > 0, score_at(p, torch.lerp(t, end, sweep.doses.double())), moved[:, i])
    return moved


def rerendered(
    move: Callable[[SweepProblem], Tensor], sweep: SweepProblem, others: Sequence[Portraits], cases: Sequence[Case]
) -> Image:
    """The portraits of the moved scores."""
    assert sweep.clean is not None
    return render(move(sweep), sweep.clean.shape[-1])


def factor(name: str, title: str, group: str, move: Callable[[SweepProblem], Tensor]) -> Reference:
    """A row of the suite."""
    return Reference(
        name, title, "factor", METRICS, needs_other_people=False, outputs=partial(rerendered, move), group=group
    )


SUITE = Suite(
    name="calibration",
    version=2,
    title="Calibration of the metrics",
    metrics=METRICS,
    references=(
        factor("true_identity", "Identity", "Identity", turn_identity),
        *(
            factor(name, name.replace("_", " ").capitalize(), group, partial(move_appearance, name))
            for group, names in GROUPS.items()
            for name in names
        ),
    ),
    presets={
        "smoke": Settings(common.EVERYBODY[:2], 1, 2, "2 people, one photo each, 2 steps: the plumbing"),
        "quick": Settings(
            common.EVERYBODY[:4], 2, 4, "4 people, 2 photos each, 4 steps of every factor: 3 minutes on two cores"
        ),
        "full": Settings(common.EVERYBODY, 6, 6, "all 13 people, 6 photos each (3 of one of them), 6 steps"),
        "paper": Settings(common.EVERYBODY, 10, 10, "all 13 people, up to 10 photos each, 10 steps"),
    },
    parts=parts,
    rendered_only=True,
    figures=(
        Figure("effects", "calibration", "Effect of every factor on every metric."),
        Figure("dose_curves", "calibration_curves", "Each metric against the dose."),
        Figure("factor_strips", "calibration_sweeps", "What was scored."),
    ),
    statistic="rank_correlation",
    dose="Dose: 0 the photo itself; 1 a stranger with the same appearance, or the parameter at an end of its range",
)
