"""Semantic editing: Table 4, Figures 12 and 13 of the paper (section 5.3).

A held-out photo is inverted, edited along a direction, and five equally spaced images are taken from a large
gallery of edits. All priors are inverted in the same way, by pivotal tuning: the prior's own projection gives the
pivot, the prior's generator is tuned to the photo at it, and the edited codes are rendered by the tuned generator.

- *Pose.* The paper's gallery spans -40 to 40 degrees of yaw, read by WHENet. Ours is read by the domain's feature
  network and spans -30 to 30: the renderer stops at 38, and its photos are rare beyond 30.
- *Smile.* Figure 13 shows one, and that it is the person's own; we take five of them, too. Of rendered people it is
  known how they smile, so that ``own_trait`` says how much of that an edited smile has.
- *Gallery.* Strengths of the direction from -4 to 4 standard deviations; the image nearest to each of five wanted
  values is taken. A prior that cannot go so far, as a personal one often cannot, gives its outermost images, and
  ``edit_reach`` and ``edit_error`` say so.
- *Directions* are those of the domain (InterFaceGAN), the same for all, as in the paper.
- *The domain's prior* is there twice: with pivots by descent, as the paper's, and by the encoder that gives MyStyle its
  anchors, because on some generators 250 steps from the mean code end where there are no faces.
- *MyStyle* walks by its own settings: coordinates projected back to P_beta with beta = 0.03. Its inversions are within
  the same beta, the released code's for both; the paper states none for inversions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Reference, Suite, Variant
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.editing import Editing
from mystyle.pivotal import PivotalTuning

BETA = 0.03
TABLE_4 = ("barack_obama", "joe_biden")
TITLES = {"yaw": "Pose (yaw)", "smile": "Smile"}


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int | None  # per person; None takes every held-out photo
    summary: str
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    gallery: int = 81  # strengths


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each attribute, with the same photos."""
    order = common.photos_in_order(person, seed, settings.photos)
    tasks = (
        Editing("yaw", (-30, -15, 0, 15, 30), settings.tuning, settings.gallery),
        Editing("smile", (-0.2, 0.1, 0.4, 0.7, 1.0), settings.tuning, settings.gallery),
    )
    return tuple(
        Part(task, tuple(case for i in order for case in task.cases(person, i, seed)), condition=task.attribute)
        for task in tasks
    )


OF_PERSON = (*common.OF_PERSON, "edit_error", "edit_reach", "leakage", "own_trait")
QUICK = PivotalTuning(steps=100, learning_rate=1e-3)

SUITE = Suite(
    name="editing",
    version=2,
    title="Editing",
    paper="Table 4, Figures 12 and 13",
    methods=(
        "domain_w",
        "domain_encoder",
        "diffaugment",
        Variant("untuned", "MyStyle, not tuned", "untuned", partial(common.with_beta, BETA)),
        Variant("mystyle", "MyStyle (ours)", "mystyle", partial(common.with_beta, BETA)),
    ),
    metrics=OF_PERSON,
    references=(Reference("unedited", "No edit: the photo", "floor", OF_PERSON, False, common.real_photos),),
    conditions=TITLES,
    figures=(
        Figure(
            "strips",
            "editing_yaw",
            "Pose edits, laid out as Figure 12: five wanted values of yaw from left to right.",
            {"condition": "yaw", "columns": "dose"},
        ),
        Figure(
            "strips",
            "editing_smile",
            "Smile edits: five wanted values from left to right.",
            {"condition": "smile", "columns": "dose"},
        ),
    ),
    published=(
        Published(
            "Table 4 of MyStyle (Nitzan et al., 2022), yaw",
            {
                "domain_w": {"maps_train": (0.60, 0.08), "user_percent": 2.3},
                "diffaugment": {"maps_train": (0.66, 0.05), "user_percent": 10.9},
                "mystyle": {"maps_train": (0.74, 0.04)},
            },
            "yaw",
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 1, "2 people, 1 photo each: the plumbing", replace(QUICK, steps=5), 9),
        "quick": Settings(
            common.SHORT[1:], 2, "2 people, 2 photos each, 2 attributes: eight minutes on two cores", QUICK, 33
        ),
        "full": Settings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": Settings(TABLE_4, None, "the 2 people of Table 4, every held-out photo: for a GPU"),
    },
    parts=parts,
)
