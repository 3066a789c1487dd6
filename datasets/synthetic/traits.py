"""What a portrait would be if the person were without some of the traits that are the person's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from torch import Tensor

from datasets.synthetic.parameters import COMMON, DISTINCTIVE, NEUTRAL, scores_of
from datasets.synthetic.renderer import render
from mystyle.types import Image

Group = Literal["marks", "smile"]
GROUPS: Mapping[Group, tuple[str, ...]] = {
    "marks": ("scar_size", "spot_size", "stain_size", "vitiligo", "forelock"),
    "smile": ("smile_skew", "smile_width", "smile_rise", "smile_teeth", "smile_eyes", "dimples", "frown"),
}
"""Distinctive parameters that change a part of the portrait; without the sizes of marks their places and colours change
nothing. Asymmetries are none of them: the portrait is framed by its eyes and its mouth, and moves as a whole."""
assert set(GROUPS) == set(get_args(Group))
NEUTRAL_OF = {p.name: score for p, score in zip(DISTINCTIVE, NEUTRAL.tolist(), strict=True)}
COLUMN = {p.name: len(COMMON) + i for i, p in enumerate(DISTINCTIVE)}


def without(parameters: Mapping[str, Tensor], group: Group, resolution: int) -> Image:
    """The portraits of ``parameters`` {name: [n]}, [n, 3, R, R], had the people none of the group's traits.

    Raises KeyError unless all parameters are there, as in manifests of the wide family.
    """
    scores = scores_of(parameters)
    for name in GROUPS[group]:
        scores[:, COLUMN[name]] = NEUTRAL_OF[name]
    return render(scores, resolution)
