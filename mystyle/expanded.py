"""The expanded latent space (Yin et al., 2022) on a domain: its encoder, its network, and how codes are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from mystyle.checkpoints import load_network
from mystyle.domains.domain import Domain
from mystyle.inversion import BATCH
from mystyle.networks.encoder import Encoder
from mystyle.networks.styled import StyledSynthesis
from mystyle.networks.two_branch import TwoBranch, features_of
from mystyle.types import Image, Unsupported, WPlus

FILE = "els.safetensors"
COMMAND = "python -m mystyle.pretrain els --out FOLDER"


class CodesAndMaps(Protocol):
    """An encoder that shows its work: E of section 3, frozen."""

    def codes_and_maps(self, images: Image) -> tuple[WPlus, list[Tensor]]:
        """[n, 3, R, R] -> w^p [n, num_ws, w_dim] and f^enc, the trunk's 2-D maps [n, c, h, h], fine to coarse."""
        ...


@dataclass(frozen=True)
class InEveryLayer:
    """The domain's W encoder as an encoder of W+, with the maps of its trunk."""

    encoder: Encoder
    num_ws: int

    def codes_and_maps(self, images: Image) -> tuple[WPlus, list[Tensor]]:
        maps = self.encoder.maps(images)
        return self.encoder.code(maps)[:, None].repeat(1, self.num_ws, 1), maps


def encoder_of(domain: Domain) -> CodesAndMaps:
    """E of a domain. Raises Unsupported where it has no encoder with 2-D features."""
    if not isinstance(domain.encoder, Encoder):
        raise Unsupported(f"domain {domain.name} has no encoder whose 2-D features can be read")
    return InEveryLayer(domain.encoder, domain.generator.num_ws)


def network_of(domain: Domain, file: str = FILE, command: str = COMMAND) -> TwoBranch:
    """The domain's network of that file. Raises Unsupported where it is missing."""
    path = domain.file(file)
    if path is None:
        raise Unsupported(f"domain {domain.name} has no {file}; {command} trains it")
    return load_network(TwoBranch, path).to(domain.device)


@dataclass(frozen=True)
class Expanded:
    """Renders codes with the content of the photo that they came from, or by the generator alone.

    The attributes s of a code are read from its offset to the photo's (``TwoBranch.attributes_of``), so that whatever
    moved it, its content is that of its attributes; at no offset it is the reconstruction, s = 0.
    """

    network: TwoBranch
    encoder: CodesAndMaps
    synthesis: StyledSynthesis[Any]
    photos: Image
    """[n, 3, R, R]"""
    ws: WPlus
    """[n, num_ws, w_dim]: their codes w^p"""
    refined: bool = True
    """False: the style branch alone, x^edit"""

    def tensors(self) -> dict[str, Tensor]:
        """The photos; their codes are the inversion's."""
        return {"photos": self.photos}

    @cached_property
    @torch.no_grad()
    def maps(self) -> list[Tensor]:
        """f^enc of the photos."""
        parts = [self.encoder.codes_and_maps(part)[1] for part in self.photos.split(BATCH)]
        return [torch.cat(levels) for levels in zip(*parts, strict=True)]

    @torch.no_grad()
    def __call__(self, ws: WPlus, rows: Sequence[int]) -> Image:
        return torch.cat([self._draw(*part) for part in self._batches(ws, rows)])

    @torch.no_grad()
    def relevance(self, ws: WPlus, rows: Sequence[int]) -> dict[int, Tensor]:
        """m_i of codes, [n, 1, r, r] by resolution (the paper's Figure 4)."""
        source, edited = (features_of(self.synthesis, each)[1] for each in (self.ws[list(rows)], ws))
        return self.network.relevance(source, edited)

    def _batches(self, ws: WPlus, rows: Sequence[int]) -> list[tuple[WPlus, list[int]]]:
        parts = torch.tensor(rows).split(BATCH)
        return [(w, part.tolist()) for w, part in zip(ws.split(BATCH), parts, strict=True)]

    def _draw(self, ws: WPlus, rows: list[int]) -> Image:
        if not self.refined:
            image: Image = self.synthesis(ws, noise="const")
            return image
        w = self.ws[rows]
        maps = [level[rows] for level in self.maps]
        return self.network.refine(self.synthesis, w, ws, self.network.attributes_of(ws - w), maps)
