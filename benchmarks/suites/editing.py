"""Semantic editing: Table 4, Figures 12 and 13 of the paper (section 5.3).

A held-out photo is inverted, edited along a direction, and five equally spaced pictures are taken from a large
gallery of edits. All priors are inverted in the same way, by pivotal tuning: the prior's own projection gives the
pivot, the prior's generator is tuned to the photo at it, and the edited codes are rendered by the tuned generator.

- *Pose.* The paper's gallery spans -40 to 40 degrees of yaw, read by WHENet. Ours is read by the domain's feature
  network and spans -30 to 30: the renderer stops at 38, and its photos are rare beyond 30.
- *Smile.* Figure 13 shows one; we take five of them, too.
- *Gallery.* Strengths of the direction from -4 to 4 standard deviations; the picture nearest to each of five wanted
  values is taken. A prior that cannot go so far, as a personal one often cannot, gives its outermost pictures, and
  ``edit_reach`` and ``edit_error`` say so.
- *Directions* are those of the domain (InterFaceGAN), the same for all, as in the paper.
- *MyStyle* walks by its own settings: coordinates projected back to P_beta with beta = 0.03.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from baselines.common.latent_prior import render
from baselines.pti import PivotalTuning, tune_at_pivot
from benchmarks import tasks
from benchmarks.api.protocol import Answer, Case, Figure, Part, Person, Problem, Reference, Suite, check_output
from benchmarks.api.published import Published
from benchmarks.api.seeds import item_seed
from mystyle.degradations import Identity
from mystyle.domains.domain import DIRECTIONS, Domain
from mystyle.types import Image, Portraits, Walks

TABLE_4 = ("barack_obama", "joe_biden")
WANTED: Mapping[str, tuple[float, ...]] = {"yaw": (-30, -15, 0, 15, 30), "smile": (-0.2, 0.1, 0.4, 0.7, 1.0)}
TITLES = {"yaw": "Pose (yaw)", "smile": "Smile"}


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    photos: int | None  # per person; None takes every held-out photo
    summary: str
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    gallery: int = 81  # strengths
    reach: float = 4.0  # the largest strength, in standard deviations of codes along the direction


@dataclass(frozen=True)
class How:
    """What decides the pictures besides the cases and the prior."""

    attribute: str
    tuning: PivotalTuning
    gallery: int
    reach: float


@dataclass(frozen=True)
class Editing(Problem):
    """The photo of each case; the cases of a photo come one after the other."""

    edited: str = ""


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each attribute, with the same photos."""
    order = tasks.photos_in_order(person, seed, settings.photos)
    return tuple(
        Part(
            tuple(case(person, i, attribute, k, seed) for i in order for k in range(len(wanted))),
            condition=attribute,
            how=How(attribute, settings.tuning, settings.gallery, settings.reach),
        )
        for attribute, wanted in WANTED.items()
    )


def case(person: Person, photo: int, attribute: str, k: int, seed: int) -> Case:
    file = person.files[photo]
    return Case(
        name=f"{tasks.stem(file)}-{attribute}-{k}",
        file=file,
        seed=item_seed("restore", person.name, file, "inversion", seed),
        photo=photo,
        dose=WANTED[attribute][k],
    )


def problem(photos: Portraits, part: Part) -> Editing:
    """The photos, which are what a method is given."""
    clean = photos[[case.photo for case in part.cases]].images
    return Editing(clean, None, clean, Identity(), part.how.attribute)


def solve(prior: Walks, problem: Editing, part: Part, domain: Domain) -> Answer:
    """Inversion of each photo by pivotal tuning, its gallery, and the pictures nearest to the wanted values."""
    files = [case.file for case in part.cases]
    first = {file: i for i, file in reversed(list(enumerate(files)))}
    rows = [first[file] for file in dict.fromkeys(files)]
    photos = problem.clean[rows].to(domain.device)
    code = prior.invert(photos, seeds=[part.cases[i].seed for i in rows])
    how = part.how
    strengths = torch.linspace(-how.reach, how.reach, how.gallery).tolist()
    pivots = prior.walked(code, how.attribute, [0.0])
    walks = prior.walked(code, how.attribute, strengths).unflatten(0, (len(rows), how.gallery))
    pictures = []
    for k, i in enumerate(rows):
        generator = tune_at_pivot(
            prior.generator, pivots[k : k + 1], photos[k : k + 1], Identity(), prior.perceptual, how.tuning
        )
        gallery = render(generator, walks[k])
        check_output(gallery, gallery.new_empty(how.gallery, *photos.shape[1:]))
        read = torch.cat([domain.features.attributes(part)[how.attribute] for part in gallery.clamp(-1, 1).split(32)])
        wanted = torch.tensor([case.dose for case in part.cases if case.file == files[i]]).to(read)
        pictures.append(gallery[(read - wanted[:, None]).abs().argmin(dim=1)].cpu())
    return Answer(torch.cat(pictures))


def unedited(problem: Problem, others: Sequence[Portraits], cases: Sequence[Case]) -> Image:
    """The photo itself in place of every edit: what leakage and identity are without an edit."""
    return problem.clean


OF_PERSON = ("maps_train", "maps_heldout", "identity", "true_identity", "edit_error", "edit_reach", "leakage")
QUICK = PivotalTuning(steps=100, learning_rate=1e-3)

SUITE = Suite(
    name="editing",
    version=1,
    title="Editing",
    paper="Table 4, Figures 12 and 13",
    methods=("domain_w", "diffaugment", "mystyle"),
    metrics=OF_PERSON,
    references=(Reference("unedited", "No edit: the photo", "floor", OF_PERSON, False, unedited),),
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
                "domain_w": {"maps_train": (0.60, 0.08)},
                "diffaugment": {"maps_train": (0.66, 0.05)},
                "mystyle": {"maps_train": (0.74, 0.04)},
            },
            condition="yaw",
        ),
    ),
    presets={
        "smoke": Settings(tasks.SHORT[1:], 1, "2 people, 1 photo each: the plumbing", replace(QUICK, steps=5), 9),
        "quick": Settings(tasks.SHORT, 2, "3 people, 2 photos each, 2 attributes: 12 minutes on two cores", QUICK, 33),
        "full": Settings(tasks.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": Settings(TABLE_4, None, "the 2 people of Table 4, every held-out photo: for a GPU"),
    },
    files=(DIRECTIONS,),
    verb=Walks,
    parts=parts,
    problem=problem,
    solve=solve,
)
