"""Editing (MyStyle, section 5.3): a photo is inverted, edited along one attribute, and some of the edits are kept.

All priors are inverted in the same way, by pivotal tuning: the prior's own inversion gives the pivot, the prior's
generator is tuned to the photo at it, and the edited codes are rendered by the tuned generator. An inversion whose
images have generators of their own (PTI) is tuned already. Of a gallery of edits the image nearest to each wanted value
of the attribute is taken, as the domain's judge reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.api.registry import EDITORS
from benchmarks.api.task import Case, Inapplicable, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.own_traits import Read, rendered_without
from benchmarks.tasks.restoration import inversion_case, photos_of
from benchmarks.tasks.through_editor import ThroughEditor, invert_once
from datasets.synthetic.parameters import PARAMETERS
from datasets.synthetic.renderer import render_values
from mystyle.degradations import Identity
from mystyle.digests import digest
from mystyle.inversion import OwnGenerators, SharedGenerator
from mystyle.pivotal import PivotalTuning, tune_at_pivot
from mystyle.protocols import Inverts
from mystyle.roles import Generator
from mystyle.types import Image, Portraits, WPlus

SMILE = next(p for p in PARAMETERS if p.name == "smile")


@dataclass(frozen=True)
class Editing(ThroughEditor):
    attribute: str
    wanted: tuple[float, ...]
    """values of the attribute, in its unit: a case for each"""
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    gallery: int = 81
    """strengths"""
    reach: float = 4.0
    """the largest strength; for directions in standard deviations of codes"""
    editor: str = "interfacegan"
    edit: str = ""
    """the editor's name of the edit, where it is not that of the attribute: ``pca03:0-4``"""

    name: ClassVar[str] = "editing"

    def cases(self, person: Person, photo: int, seed: int) -> tuple[Case, ...]:
        """The wanted edits of a held-out photo; all of one photo and seed share its inversion."""
        return tuple(
            inversion_case(person, photo, f"{self.attribute}-{k}", seed, dose=wanted)
            for k, wanted in enumerate(self.wanted)
        )

    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """Inversion of each photo, its gallery, and the images nearest to the wanted values.

        Raises Inapplicable for an attribute that the judge does not read.
        """
        domain, editor, edit = resources.domain, EDITORS.load(self.editor), self.edit or self.attribute
        if self.attribute not in domain.judge.moments:
            raise Inapplicable(f"the judge of domain {domain.name} does not read {self.attribute}")
        found = invert_once(prior, problem, cases, resources)
        strengths = torch.linspace(-self.reach, self.reach, self.gallery).tolist()
        pivots = editor.apply(found.codes, edit, [0.0], domain)
        edits = editor.apply(found.codes, edit, strengths, domain)
        images = []
        for k in range(len(found.photos)):
            renderer, photo = found.codes.renderer, found.photos[k : k + 1]
            if isinstance(renderer, SharedGenerator):
                renderer = SharedGenerator(self.tuned(renderer.generator, pivots.ws[k : k + 1], photo, resources))
            gallery = renderer(edits.ws[k * self.gallery : (k + 1) * self.gallery], [k] * self.gallery)
            check_output(gallery, gallery.new_empty(self.gallery, *photo.shape[1:]))
            read = torch.cat([domain.judge.attributes(x)[self.attribute] for x in gallery.clamp(-1, 1).split(32)])
            doses = [case.dose for row, case in zip(found.rows, cases, strict=True) if row == k]
            wanted = torch.tensor(doses).to(read)
            images.append(gallery[(read - wanted[:, None]).abs().argmin(dim=1)].cpu())
        return MethodOutput(torch.cat(images))

    def with_and_without(self, photos: Portraits, cases: Sequence[Case], read: Read) -> tuple[Image, Image]:
        """Each photo rendered with as much of a smile as the edit has: the person's own, and one as people have.

        As much as is read, since priors do not reach every smile that is wanted, and less of one is no less one's own.
        """
        if self.attribute != "smile":
            raise Inapplicable("the attribute is no trait of the person's own")
        chosen = photos_of(photos, cases)
        smiling = {**chosen.parameters, "smile": read("smile").clamp(SMILE.low, SMILE.high)}
        common = rendered_without(smiling, "smile", chosen.images.shape[-1])  # says so if nobody was rendered
        return render_values(smiling, chosen.images.shape[-1]), common

    def tuned(self, generator: Generator, pivot: WPlus, photo: Image, resources: Resources) -> Generator:
        """``generator`` tuned to ``photo`` at ``pivot``, [1, ...] each; one tuning for all attributes."""
        perceptual = resources.domain.perceptual

        def tune(_: Sequence[int]) -> dict[str, Tensor]:
            own = tune_at_pivot(generator, pivot, photo, Identity(), perceptual, self.tuning)
            return OwnGenerators((own,)).tensors()

        key = {"fit": "pivotal tuning", "pivot": digest(pivot), "photo": digest(photo), "tuning": asdict(self.tuning)}
        (found,) = OwnGenerators.read(generator, resources.cached([key], tune)).generators
        return found


TASK = Editing
