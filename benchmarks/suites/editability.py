"""How far inversions of strangers' photos can be edited: Table 2 of PTI, Tables 2 to 4 of II2S, Table 2 of MAGEC.

An inversion that is nearer to the photo may be one that cannot be edited: its codes lie where the generator has nothing
to say. So each method inverts the photos once, and all that differs afterwards is the edit: at a given strength (what
changes, and who is left), at a given change (who is left), between two photos, of two photos, and by small steps.

Where the papers cannot be followed, or leave something open, we choose:

- *photos*. CelebA-HQ's test set and faces from the web; here the domain's strangers, one photo each.
- *strengths*. PTI names none; one standard deviation of W along the direction, which turns a head about as far as the
  pose edit of its table.
- *identity* is compared with the photo and not with the inversion; PTI does not say.
- *directions* are InterFaceGAN's for all edits; II2S sets coordinates of GANSpace, whose pose and gender components
  were found by eye.
- *pairs*. II2S has "a randomly sampled image"; here the photos in a ring in random order, each of them first once and
  second once. Codes of two photos are rendered by the generator of the first where an inversion has one of its own.
- *FID* needs more photos than these and an Inception network; ``kid_inputs`` beside it is not biased.
- *SG2* is StyleGAN2's projector without its noise maps. *e4e* is left out: the encoder here is the domain's own, to W.
- *Realism and improved target* of MAGEC are those of the single edits, which add an attribute, and of interpolations in
  W+. The paper draws 20 edits of each photo at random; its columns of StyleFlow and GANSpace are not here.
- *II2S without clipping* is the same descent without its regulariser, so that the clip is all that differs.

Yaw and gender are read by the domain's judge. A change of five degrees is as large as its error on rendered people, so
that the rows of +-5 compare means over people and say little of a single one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.api.metric import Evaluation
from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Strangers, Suite, Variant
from benchmarks.api.task import Case, Part, Person
from benchmarks.suites import common
from benchmarks.tasks.coordinate import Coordinate
from benchmarks.tasks.edits import Edits
from benchmarks.tasks.interpolation import Interpolation
from benchmarks.tasks.path_length import PathLength
from benchmarks.tasks.same_magnitude import SameMagnitude
from benchmarks.tasks.style_mixing import StyleMixing
from mystyle.latents.pnorm import SAMPLES
from mystyle.types import Image

EDITED = ("smile", "yaw", "age")  # of Table 2 of PTI
STRENGTH = 1.0  # standard deviations of W
TURNS = {"turn5": 5.0, "turn10": 10.0}  # degrees
CONDITIONS = {
    "inverted": "Inversion, not edited",
    "single": "Single edits",
    "sequential": "Sequential edits",
    "turn5": "±5° rotation",
    "turn10": "±10° rotation",
    "pose": "Pose, set to -2 to 2 σ",
    "gender": "Gender, set to ±σ",
    "interpolation_w": "Interpolation in W+",
    "interpolation_p": "Interpolation in P-norm+",
    "mixing": "Style mixing",
}
METRICS = (
    *("yaw_change", "yaw_range", "attribute_accuracy", "identity_photo"),
    *("path_length", "path_length_all", "fid_inputs", "kid_inputs", "realism", "improved_target"),
)
COLUMNS = (
    *("domain_encoder", "domain_w", "domain_wplus", "i2s_pp"),
    *("ii2s_unclipped", "ii2s", "magec_off", "magec", "pti"),
)


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    summary: str
    people: Strangers = field(default_factory=lambda: Strangers(2))
    photos: int | None = 1  # per person
    gallery: int = 17  # strengths tried in each round of a search
    paths: int = 8  # for each photo
    whitening: int = SAMPLES  # codes that P-norm+ is fitted to


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """Edits of the person's own photos; the last person has the pairs of everybody's, when all photos are inverted."""
    chosen = common.photos_in_order(person, seed, settings.photos)
    alone = of_one(person, chosen, settings, seed)
    return (*alone, *of_two(people, settings, seed)) if person == people[-1] else alone


def of_one(person: Person, photos: Sequence[int], settings: Settings, seed: int) -> tuple[Part, ...]:
    """Everything that is done to photos one by one."""
    paths, edits, pose = PathLength(settings.paths), Edits(), Coordinate("yaw")
    gender, same = Coordinate("masculine"), SameMagnitude("yaw", settings.gallery)
    inverted: list[Case] = [paths.case(person, i, seed) for i in photos]
    single = [edits.case(person, i, name, seed, edits=((name, STRENGTH),)) for i in photos for name in EDITED]
    sequence = tuple((name, STRENGTH) for name in EDITED)
    sequential = [edits.case(person, i, "sequence", seed, edits=sequence) for i in photos]

    def dosed(task: Coordinate | SameMagnitude, label: str, doses: Sequence[float]) -> tuple[Case, ...]:
        cases = [(i, k, dose) for i in photos for k, dose in enumerate(doses)]
        return tuple(task.case(person, i, f"{label}-{k}", seed, dose=dose) for i, k, dose in cases)

    return (
        Part(paths, tuple(inverted), "inverted"),
        Part(edits, tuple(single), "single"),
        Part(edits, tuple(sequential), "sequential"),
        *(Part(same, dosed(same, name, (-degrees, degrees)), name) for name, degrees in TURNS.items()),
        Part(pose, dosed(pose, "pose", (-2.0, -1.0, 0.0, 1.0, 2.0)), "pose"),
        Part(gender, dosed(gender, "gender", (-1.0, 1.0)), "gender"),
    )


def of_two(people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """Everybody's photos in pairs, as parts of the last person; none for a single photo."""
    everybody = (people[-1], *people[:-1])
    photos = [(person, i) for person in everybody for i in common.photos_in_order(person, seed, settings.photos)]
    if len(photos) < 2:
        return ()
    tasks = {
        "interpolation_w": Interpolation("w+"),
        "interpolation_p": Interpolation("p-norm+", whitening=settings.whitening),
        "mixing": StyleMixing(),
    }
    guests = tuple(person.name for person in everybody[1:])
    return tuple(
        Part(task, task.cases(everybody, photos, name, seed), name, guests=guests) for name, task in tasks.items()
    )


def second_photos(evaluation: Evaluation, n: int) -> Mapping[str, Image]:
    """The photo that gave the style or the end of the way."""
    others = [case.other for case in evaluation.cases[:n] if case.other is not None]
    return {"other": evaluation.held_out.images[others]} if len(others) == n else {}


def unclipped(settings: Any, part: Part) -> Any:
    """II2S without a regulariser."""
    return replace(settings, restore=replace(settings.restore, clip=None))


SUITE = Suite(
    name="editability",
    version=1,
    title="Editability",
    paper="Table 2 of PTI, Tables 2 to 4 of II2S, Table 2 of MAGEC",
    methods=(
        *("domain_encoder", "domain_w", "domain_wplus", "i2s_pp"),
        Variant("ii2s_unclipped", "II2S, not clipped", "ii2s", unclipped),
        *("ii2s", "magec_off", "magec", "pti"),
    ),
    metrics=METRICS,
    conditions=CONDITIONS,
    companions=second_photos,
    figures=(
        Figure(
            "strips",
            "editability_pose",
            "The coordinate of the pose set to five values, from left to right in standard deviations of W.",
            {"condition": "pose", "columns": "dose", "people": 2},
        ),
        Figure(
            "grid",
            "editability_single",
            "Edits of one attribute by the same strength: the first of each person's.",
            {"columns": COLUMNS, "conditions": ("single",)},
        ),
        Figure(
            "grid",
            "editability_sequential",
            "Smile, pose and age edited one after the other.",
            {"columns": COLUMNS, "conditions": ("sequential",)},
        ),
        Figure(
            "strips",
            "editability_turn10",
            "The same change of yaw for every inversion: ten degrees to either side.",
            {"condition": "turn10", "columns": "dose", "people": 2},
        ),
        Figure(
            "strips",
            "editability_interpolation_w",
            "Interpolations in W+ between two photos, by the share of the way.",
            {"condition": "interpolation_w", "columns": "dose", "rows": 2},
        ),
        Figure(
            "strips",
            "editability_interpolation_p",
            "The same ways in P-norm+.",
            {"condition": "interpolation_p", "columns": "dose", "rows": 2},
        ),
        Figure(
            "grid",
            "editability_mixing",
            "Styles mixed: coarse layers of the first photo, the others of the second.",
            {"columns": COLUMNS, "conditions": ("mixing",), "companion": ("other", "Style")},
        ),
    ),
    published=(
        Published(
            "Table 2 of PTI (Roich et al., 2021), single edits; the yaw is the pose edit's",
            {
                "domain_w": {"yaw_change": 15.0, "identity_photo": 0.82},
                "domain_wplus": {"yaw_change": 11.15, "identity_photo": 0.85},
                "pti": {"yaw_change": 14.86, "identity_photo": 0.9},
            },
            "single",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), sequential edits",
            {
                "domain_w": {"identity_photo": 0.78},
                "domain_wplus": {"identity_photo": 0.81},
                "pti": {"identity_photo": 0.82},
            },
            "sequential",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), ±5 rotation",
            {
                "domain_w": {"identity_photo": 0.79},
                "domain_wplus": {"identity_photo": 0.82},
                "pti": {"identity_photo": 0.84},
            },
            "turn5",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), ±10 rotation",
            {
                "domain_w": {"identity_photo": 0.75},
                "domain_wplus": {"identity_photo": 0.77},
                "pti": {"identity_photo": 0.78},
            },
            "turn10",
        ),
        Published(
            "Table 2 of II2S (Zhu et al., 2020), W+",
            {"domain_w": {"fid_inputs": 55.724}, "ii2s": {"fid_inputs": 52.824}},
            "interpolation_w",
        ),
        Published(
            "Table 2 of II2S (Zhu et al., 2020), P-norm+",
            {"domain_w": {"fid_inputs": 61.494}, "ii2s": {"fid_inputs": 51.143}},
            "interpolation_p",
        ),
        Published(
            "Table 3 of II2S (Zhu et al., 2020), PPL",
            {
                "domain_w": {"path_length": 36.7, "path_length_all": 17.9},
                "ii2s": {"path_length": 135.1, "path_length_all": 72.4},
            },
            "inverted",
        ),
        Published(
            "Table 3 of II2S (Zhu et al., 2020), StyleMix",
            {"domain_w": {"fid_inputs": 63.6}, "ii2s": {"fid_inputs": 72.6}},
            "mixing",
        ),
        Published(
            "Table 3 of II2S (Zhu et al., 2020), Gender",
            {"domain_w": {"attribute_accuracy": 0.10}, "ii2s": {"attribute_accuracy": 0.50}},
            "gender",
        ),
        Published(
            "Table 4 of II2S (Zhu et al., 2020), the difference of its two ends",
            {"domain_w": {"yaw_range": 24.86}, "ii2s": {"yaw_range": 42.32}},
            "pose",
        ),
        Published(
            "Table 2 of MAGEC (Grechka et al., 2021), InterFaceGAN",
            {
                "i2s_pp": {"realism": 0.973, "improved_target": 0.096},
                "magec_off": {"realism": 0.994, "improved_target": 0.097},
                "magec": {"realism": 0.998, "improved_target": 0.122},
            },
            "single",
        ),
        Published(
            "Table 2 of MAGEC (Grechka et al., 2021), interpolations",
            {"i2s_pp": {"realism": 1.00}, "magec_off": {"realism": 1.03}, "magec": {"realism": 1.04}},
            "interpolation_w",
        ),
    ),
    presets={
        "smoke": Settings("2 people: the plumbing", gallery=5, paths=1, whitening=10_000),
        "quick": Settings("12 people: about twelve minutes on two cores (estimated)", Strangers(12)),
        "full": Settings("100 people: for a GPU", Strangers(100)),
        "paper": Settings("100 people: for a GPU", Strangers(100)),
    },
    parts=parts,
)
