"""The domain's generator as it is, and codes by its encoder: the inversion that edits of photographs mostly start from.

The encoder is the one that gives MyStyle its anchors, so that a prior of the domain and one of the person differ in the
person alone. ``domain_w`` is the other inversion into the same generator, by descent from the mean code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.inversion import BATCH, Inversion, SharedGenerator
from mystyle.types import Image


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


class EncoderPrior(EmbeddingPrior[Settings]):
    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """E(x) in every layer. Nothing is random, and there is no objective: the losses are [n, 0]."""
        g, e = self.domain.generator, self.domain.encoder
        with torch.no_grad():
            w = torch.cat([e(part.to(self.domain.device)) for part in images.split(BATCH)])
        ws, renderer = w[:, None].repeat(1, g.num_ws, 1), SharedGenerator(g)
        return Inversion.of(renderer, ws, renderer(ws), torch.empty(len(ws), 0))


METHOD = Embedding(
    "domain_encoder",
    "Domain prior, W by encoder",
    EncoderPrior,
    dict.fromkeys(("smoke", "quick", "full", "paper"), Settings()),
    does=("invert",),
)
