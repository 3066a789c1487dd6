"""The domain's generator as it is, and codes by its encoder: the inversion that edits of photographs mostly start from.

The encoder is the one that gives MyStyle its anchors, so that a prior of the domain and one of the person differ in the
person alone. ``domain_w`` is the other inversion into the same generator, by descent from the mean code.
"""

from __future__ import annotations

from dataclasses import dataclass

from baselines.common.embedding import ByEncoder, Embedding
from mystyle.types import Image, WPlus


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


class EncoderPrior(ByEncoder[Settings]):
    def encode(self, images: Image) -> WPlus:
        """E(x) in every layer."""
        return self.domain.encoder(images)[:, None].repeat(1, self.domain.generator.num_ws, 1)


METHOD = Embedding(
    "domain_encoder",
    "Domain prior, W by encoder",
    EncoderPrior,
    dict.fromkeys(("smoke", "quick", "full", "paper"), Settings()),
    does=("invert",),
)
