"""The domain's generator as it is, and codes by its encoder: the inversion that edits of photographs mostly start from.

The encoder is the one that gives MyStyle its anchors, so that a prior of the domain and one of the person differ in the
person alone. ``domain_w`` is the other inversion into the same generator, by descent from the mean code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.inversion import BATCH, Inversion, SharedGenerator
from mystyle.protocols import Method
from mystyle.roles import Encoder, Generator
from mystyle.types import Image, Portraits


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


@dataclass(frozen=True)
class EncoderPrior:
    generator: Generator
    encoder: Encoder

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """E(x) in every layer. Nothing is random, and there is no objective: the losses are [n, 0]."""
        device = next(self.generator.parameters()).device
        with torch.no_grad():
            w = torch.cat([self.encoder(part.to(device)) for part in images.split(BATCH)])
        ws = w[:, None].repeat(1, self.generator.num_ws, 1)
        renderer = SharedGenerator(self.generator)
        return Inversion.of(renderer, ws, renderer(ws), torch.empty(len(ws), 0))

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(SharedGenerator(self.generator), tensors)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


class EncoderInversion(Method):
    name = "domain_encoder"
    version = 1
    title = "Domain prior, W by encoder"
    does = ("invert",)
    personal = False
    presets: Mapping[str, Settings] = dict.fromkeys(("smoke", "quick", "full", "paper"), Settings())

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Settings) -> EncoderPrior:
        return EncoderPrior(domain.generator, domain.encoder)

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> EncoderPrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = EncoderInversion()
