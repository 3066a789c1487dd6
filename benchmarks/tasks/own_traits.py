"""A trait of the person's own is hidden, and the prior fills the hole (MyStyle, Figures 1, 9 and 11).

The hole is where the photo differs from what the renderer makes of it without the trait: a mole, a scar, a smile. So
nothing that is left of the photo shows it, and whoever fills it in as it was has learned it from other photos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.api.task import Case, Inapplicable, Person, Problem
from benchmarks.tasks.restoration import Restoration, photos_of, restoration_case
from datasets.synthetic.traits import Group, without
from mystyle import degradations
from mystyle.types import Image, Mask, Portraits

SEEN = 0.25  # a difference of a channel that is seen, of 2 from black to white
MARGIN = 1 / 16  # about the differences, of the image's side


Read = Callable[[str], Tensor]
"""What the judge reads of an attribute in the outputs, [n], in the attribute's unit"""


@runtime_checkable
class ShowsOwnTrait(Protocol):
    """A task whose images should show a trait of the person's own."""

    def with_and_without(self, photos: Portraits, cases: Sequence[Case], read: Read) -> tuple[Image, Image]:
        """The portrait of each case with the person's own trait and without it. Raises Inapplicable if unknown."""
        ...


@dataclass(frozen=True)
class OwnTraits(Restoration):
    group: Group = "marks"
    name: ClassVar[str] = "own_traits"
    title = "Own traits"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        return restoration_case(person, photo, self.group, seed)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """Raises Inapplicable unless the person was rendered."""
        clean = photos_of(photos, cases).images
        known = 1 - hole(clean - self.plain_photos(photos, cases))
        return Problem(clean, known, clean * known, degradations.Inpainting(known))

    def with_and_without(self, photos: Portraits, cases: Sequence[Case], read: Read) -> tuple[Image, Image]:
        """The photo of each case, and the same without the group's traits."""
        return photos_of(photos, cases).images, self.plain_photos(photos, cases)

    def plain_photos(self, photos: Portraits, cases: Sequence[Case]) -> Image:
        chosen = photos_of(photos, cases)
        return rendered_without(chosen.parameters, self.group, chosen.images.shape[-1])


def rendered_without(parameters: Mapping[str, Tensor], group: Group, resolution: int) -> Image:
    """``without``, or Inapplicable where the parameters are not known."""
    try:
        return without(parameters, group, resolution)
    except KeyError:
        raise Inapplicable("only of rendered people it is known how they would be without the trait") from None


def hole(difference: Image) -> Mask:
    """Float [n, 1, R, R]: 1 where a difference is seen, the largest one at least, and ``MARGIN`` about it."""
    size = difference.abs().amax(dim=1, keepdim=True)
    largest = F.one_hot(size.flatten(1).argmax(dim=1), size[0].numel()).view_as(size)
    seen = ((size > SEEN) | (largest > 0)).to(torch.float32)
    margin = round(MARGIN * difference.shape[-1])
    return F.max_pool2d(seen, 2 * margin + 1, stride=1, padding=margin)


TASK = OwnTraits
