"""How far inversions of strangers' photos can be edited: tables of PTI, II2S, ELS and MAGEC (``SUITE.paper``).

An inversion that is nearer to the photo may be one that cannot be edited: its codes lie where the generator has nothing
to say. So each method inverts the photos once, and all that differs afterwards is the edit: at a given strength (what
changes, and who is left), at a given change (who is left), between two photos, of two photos, and by small steps.

Where the papers cannot be followed, or leave something open, we choose:

- *photos*. CelebA-HQ's test set and faces from the web; here the domain's strangers, one photo each.
- *strengths*. PTI names none; one standard deviation of W along the direction, which turns a head about as far as the
  pose edit of its table.
- *identity* is compared with the photo and not with the inversion; PTI does not say.
- *directions* are InterFaceGAN's for all edits but those of the conditions that name another editor; II2S sets
  coordinates of GANSpace, whose pose and gender components were found by eye.
- *editors*. The expanded latent space (ELS) averages glasses, age, smile and gender over InterFaceGAN, GANSpace, SeFa
  and its own directions (its Table 1), MAGEC compares InterFaceGAN, GANSpace and StyleFlow (its Table 2), PTI shows
  StyleCLIP's mappers. Strengths and signs are not said: here both ways, directions of W by the three standard
  deviations where ELS's figures end, StyleFlow by one of the population, ELS's by s = 1, a mapper by what it was fitted
  to. ELS measures how near edits are to the photo, which no edit at all wins, so that ``edit_change`` is beside it.
  Its ablations (Table 3) are rows, a dash without their networks.
- *pairs*. II2S has "a randomly sampled image"; here the photos in a ring in random order, each of them first once and
  second once. Codes of two photos are rendered by the generator of the first where an inversion has one of its own.
- *FID* needs more photos than these and an Inception network; ``kid_inputs`` beside it is not biased.
- *SG2* is StyleGAN2's projector without its noise maps and with the pixel term of all our descents. *e4e* is the
  official network on ``ffhq`` alone. *pSp* is in no table: its codes are free where e4e's are held near W, so that the
  two show what that is worth.
- *Realism and improved target* are MAGEC's. It draws 20 edits of each photo at random, of 40 attributes; here the four
  attributes of ELS's table by the editors of MAGEC's, and interpolations in W+.
- *II2S without clipping* is the same descent without its regulariser, so that the clip is all that differs.

Yaw and gender are read by the domain's judge. A change of five degrees is as large as its error on rendered people, so
that the rows of +-5 compare means over people and say little of a single one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
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
OF_ELS = ("glasses", "age", "smile", "masculine")  # of its Table 1
EDITORS = {  # and the strengths of its edits
    **dict.fromkeys(("interfacegan", "ganspace_labelled", "sefa_labelled"), 3.0),
    **{"expanded": 1.0, "styleflow": 1.0, "mapper": 1.0, "advstyle": 3.0},
}
QUICK = ("interfacegan", "ganspace_labelled", "sefa_labelled", "expanded", "styleflow")
SHOWN = 5  # people in a figure
TURNS = {"turn5": 5.0, "turn10": 10.0}  # degrees
CONDITIONS = {
    "inverted": "Inversion, not edited",
    "single": "Single edits",
    "sequential": "Sequential edits",
    "turn5": "±5° rotation",
    "turn10": "±10° rotation",
    "pose": "Pose, set to -2 to 2 σ",
    "gender": "Gender, set to ±σ",
    "interfacegan": "Four attributes by InterFaceGAN",
    "ganspace_labelled": "Four attributes by GANSpace",
    "sefa_labelled": "Four attributes by SeFa",
    "expanded": "Four attributes by ELS",
    "styleflow": "Four attributes by StyleFlow",
    "mapper": "Four attributes by mappers",
    "advstyle": "Four attributes by AdvStyle",
    "interpolation_w": "Interpolation in W+",
    "interpolation_p": "Interpolation in P-norm+",
    "mixing": "Style mixing",
}
METRICS = (
    *("yaw_change", "yaw_range", "attribute_accuracy", "identity_photo"),
    *("path_length", "path_length_all", "fid_inputs", "kid_inputs", "realism", "improved_target"),
    *("edit_change", "perceptual", "lpips", "mse"),
)
COLUMNS = (
    *("domain_encoder", "psp", "e4e", "domain_w", "domain_wplus", "i2s_pp"),
    *("ii2s_unclipped", "ii2s", "magec_off", "magec", "pti", "pti_wplus", "pti_together"),
    *("els_no_sparsity", "els_edit", "els"),
)

MAGEC_2 = {
    "interfacegan": (
        "InterFaceGAN",
        {
            "i2s_pp": {"realism": 0.973, "improved_target": 0.096},
            "magec_off": {"realism": 0.994, "improved_target": 0.097},
            "magec": {"realism": 0.998, "improved_target": 0.122},
        },
    ),
    "styleflow": (
        "StyleFlow",
        {
            "i2s_pp": {"realism": 0.929, "improved_target": 0.211},
            "magec_off": {"realism": 0.976, "improved_target": 0.148},
            "magec": {"realism": 0.982, "improved_target": 0.202},
        },
    ),
    "ganspace_labelled": (
        "GANSpace",
        {"i2s_pp": {"realism": 0.960}, "magec_off": {"realism": 0.985}, "magec": {"realism": 0.984}},
    ),
    "interpolation_w": (
        "random interpolations",
        {"i2s_pp": {"realism": 1.00}, "magec_off": {"realism": 1.03}, "magec": {"realism": 1.04}},
    ),
}


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    summary: str
    people: Strangers = field(default_factory=lambda: Strangers(2))
    photos: int | None = 1  # per person
    gallery: int = 17  # strengths tried in each round of a search
    paths: int = 8  # for each photo
    whitening: int = SAMPLES  # codes that P-norm+ is fitted to
    editors: tuple[str, ...] = QUICK


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
        *(by_editor(name, person, photos, seed) for name in settings.editors),
    )


def by_editor(editor: str, person: Person, photos: Sequence[int], seed: int) -> Part:
    """The attributes of ELS's Table 1, both ways."""
    task, strength = Edits(editor), EDITORS[editor]
    ways = {"less": -strength, "more": strength}
    wanted = [(i, name, way) for i in photos for name in OF_ELS for way in ways]
    cases = [
        task.case(person, i, f"{editor}-{name}-{way}", seed, edits=((name, ways[way]),)) for i, name, way in wanted
    ]
    return Part(task, tuple(cases), editor)


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


def pivot_in_wplus(settings: Any, part: Part) -> Any:
    """PTI's ablation (its Figure 16, B)."""
    return replace(settings, pivot=replace(settings.pivot, space="w+"))


def one_generator(settings: Any, part: Part) -> Any:
    """PTI of everybody at once (its section 3.2), as the released code does it."""
    return replace(settings, together="in turn")


def with_network(file: str, refined: bool, settings: Any, part: Part) -> Any:
    """ELS by another network, or by its style branch alone."""
    return replace(settings, file=file, refined=refined)


SUITE = Suite(
    name="editability",
    version=1,
    title="Editability",
    paper="Table 2 of PTI, Tables 2 to 4 of II2S, Tables 1 and 3 of ELS, Table 2 of MAGEC",
    methods=(
        *("domain_encoder", "psp", "e4e", "domain_w", "domain_wplus", "i2s_pp"),
        Variant("ii2s_unclipped", "II2S, not clipped", "ii2s", unclipped),
        *("ii2s", "magec_off", "magec", "pti"),
        Variant("pti_wplus", "PTI, pivot in W+", "pti", pivot_in_wplus),
        Variant("pti_together", "PTI, one generator", "pti", one_generator),
        Variant(
            "els_no_sparsity",
            "ELS, styles, no sparsity",
            "els",
            partial(with_network, "els_no_sparsity.safetensors", False),
        ),
        Variant("els_edit", "ELS, styles", "els", partial(with_network, "els.safetensors", False)),
        Variant(
            "els_no_alignment", "ELS, no alignment", "els", partial(with_network, "els_no_alignment.safetensors", True)
        ),
        "els",
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
            {"columns": COLUMNS, "conditions": ("single",), "people": SHOWN},
        ),
        Figure(
            "grid",
            "editability_sequential",
            "Smile, pose and age edited one after the other.",
            {"columns": COLUMNS, "conditions": ("sequential",), "people": SHOWN},
        ),
        Figure(
            "strips",
            "editability_one_generator",
            "Edits by one generator that was tuned to everybody, laid out as Figures 3 and 11 of PTI.",
            {"condition": "single", "columns": "edits", "methods": ("pti", "pti_together")},
        ),
        Figure(
            "grid",
            "editability_expanded",
            "Less and more of an attribute by ELS's directions, for every inversion.",
            {"columns": COLUMNS, "conditions": ("expanded",), "people": SHOWN},
        ),
        Figure(
            "grid",
            "editability_editors",
            "Less and more of an attribute by every editor.",
            {"columns": ("e4e", "ii2s", "pti"), "conditions": QUICK, "people": SHOWN},
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
                "e4e": {"yaw_change": 14.6, "identity_photo": 0.79},
                "domain_w": {"yaw_change": 15.0, "identity_photo": 0.82},
                "domain_wplus": {"yaw_change": 11.15, "identity_photo": 0.85},
                "pti": {"yaw_change": 14.86, "identity_photo": 0.9},
            },
            "single",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), sequential edits",
            {
                "e4e": {"identity_photo": 0.73},
                "domain_w": {"identity_photo": 0.78},
                "domain_wplus": {"identity_photo": 0.81},
                "pti": {"identity_photo": 0.82},
            },
            "sequential",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), ±5 rotation",
            {
                "e4e": {"identity_photo": 0.77},
                "domain_w": {"identity_photo": 0.79},
                "domain_wplus": {"identity_photo": 0.82},
                "pti": {"identity_photo": 0.84},
            },
            "turn5",
        ),
        Published(
            "Table 2 of PTI (Roich et al., 2021), ±10 rotation",
            {
                "e4e": {"identity_photo": 0.72},
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
            "Tables 1 and 3 of ELS (Yin et al., 2022), its own directions",
            {
                "els_no_sparsity": {"identity_photo": 0.34, "mse": 0.106, "lpips": 0.24},
                "els_edit": {"identity_photo": 0.52, "mse": 0.049, "lpips": 0.17},
                "els_no_alignment": {"identity_photo": 0.69, "mse": 0.059, "lpips": 0.15},
                "els": {"identity_photo": 0.77, "mse": 0.028, "lpips": 0.09},
            },
            "expanded",
        ),
        *(
            Published(f"Table 2 of MAGEC (Grechka et al., 2021), {title}", numbers, condition)
            for condition, (title, numbers) in MAGEC_2.items()
        ),
    ),
    presets={
        "smoke": Settings(
            "2 people: the plumbing",
            gallery=5,
            paths=1,
            whitening=10_000,
            editors=("interfacegan", "expanded", "styleflow"),
        ),
        "quick": Settings("3 people: eight minutes on two cores", Strangers(3)),
        "full": Settings("100 people: for a GPU", Strangers(100), editors=tuple(EDITORS)),
        "paper": Settings("100 people: for a GPU", Strangers(100), editors=tuple(EDITORS)),
    },
    parts=parts,
)
