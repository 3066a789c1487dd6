"""Inversions of photos beyond what the domain's generator learned from (MyStyle, section 6).

The paper names faces in extreme poses and faces that are partly behind an accessory. *turned*: the photo is rendered
again with the head turned by ``YAW`` to the side to which it looks, where the parameters of portraits end at 38
degrees. *covered*: an ellipse of one colour lies over mouth and chin, as a mask does; photographs can be covered, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, Inapplicable, Person, Problem
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.restoration import inversion_case, photos_of
from datasets.synthetic.parameters import NAMES
from datasets.synthetic.renderer import render_values
from mystyle.degradations import Identity
from mystyle.types import Image, Portraits, as_written

Kind = Literal["ordinary", "turned", "covered"]
YAW = 60.0  # degrees
CENTRE = 0.5, 0.72  # of the cover, (x, y) of the image's side: aligned faces have the mouth there
RADII = 0.22, 0.19


@dataclass(frozen=True)
class HardPhotos(Inversion):
    kind: Kind = "ordinary"
    name: ClassVar[str] = "hard_photos"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        """Photos as they are share their inversion with other suites."""
        return inversion_case(person, photo, self.kind, seed, mask_seed=item_seed("cover", person.files[photo], seed))

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """Raises Inapplicable for turned photos unless the person was rendered."""
        chosen = photos_of(photos, cases)
        clean = chosen.images
        if self.kind == "turned":
            clean = turned(chosen)
        elif self.kind == "covered":
            clean = covered(clean, [case.mask_seed for case in cases])
        return Problem(clean, None, clean, Identity())


def turned(photos: Portraits) -> Image:
    """The portraits [n, 3, R, R] with their heads at plus or minus ``YAW``."""
    if not set(NAMES) <= set(photos.parameters):
        raise Inapplicable("only rendered people can be turned")
    yaw = photos.parameters["yaw"]
    moved = {**photos.parameters, "yaw": torch.where(yaw < 0, -YAW, YAW).to(yaw)}
    return as_written(render_values(moved, photos.images.shape[-1]))


def covered(images: Image, seeds: Sequence[int]) -> Image:
    """``images`` [n, 3, R, R] with a cover of a colour that each one's seed decides, its edge a pixel wide."""
    size = images.shape[-1]
    place = (torch.arange(size, device=images.device) + 0.5) / size
    x, y = ((place - centre) / radius for centre, radius in zip(CENTRE, RADII, strict=True))
    inside = (1 - torch.hypot(x[None, :], y[:, None])) * min(RADII) * size  # pixels from the edge
    colours = torch.stack([torch.rand(3, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    colour: Tensor = (2 * colours - 1).to(images)[:, :, None, None]
    return as_written(torch.lerp(images, colour.expand_as(images), (inside + 0.5).clamp(0, 1).to(images)))


TASK = HardPhotos
