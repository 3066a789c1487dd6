"""Inpainting (MyStyle, section 5.2.1): a mask hides part of a held-out photo, x * m, and the prior fills the hole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, Person, Problem
from benchmarks.tasks.restoration import Restoration, photos_of, restoration_case
from datasets.masks import mask
from mystyle import degradations
from mystyle.types import Portraits

RULES = ("eyes", "mouth", "half", "centre", "strokes")  # masks, of datasets.masks


@dataclass(frozen=True)
class Inpainting(Restoration):
    name: ClassVar[str] = "inpainting"
    title = "Inpainting"

    def case(self, person: Person, photo: int, seed: int, rule: str = "centre") -> Case:
        """``rule`` is the mask's."""
        mask_seed = item_seed("mask", person.name, person.files[photo], rule, seed)
        return restoration_case(person, photo, rule, seed, mask=rule, mask_seed=mask_seed)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        clean = photos_of(photos, cases).images
        known = torch.cat([mask(case.mask, clean.shape[-1], case.mask_seed) for case in cases])
        return Problem(clean, known, clean * known, degradations.Inpainting(known))


TASK = Inpainting
