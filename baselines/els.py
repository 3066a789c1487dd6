"""ELS: the latent space expanded by features of the photo (Yin et al., 2022, section 3).

The encoder's code, and a generator into whose blocks the content branch sets what that code does not have. The network,
``els.safetensors``, is made by ``python -m mystyle.pretrain els``; edits by its own directions are the editor
``expanded``. The networks of the ablations (Table 3) are optional: without theirs a row is a dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

from baselines.common.embedding import ByEncoder, Embedding
from mystyle.checkpoints import load_network
from mystyle.domains.domain import Domain
from mystyle.expanded import COMMAND, FILE, CodesAndMaps, Expanded, encoder_of, network_of
from mystyle.inversion import Inversion
from mystyle.networks.two_branch import TwoBranch, tapped, untrained
from mystyle.pretrain.settings import ExpandedSettings
from mystyle.protocols import OwnNetwork
from mystyle.types import Image, WPlus

COMMANDS = {
    FILE: COMMAND,
    "els_no_sparsity.safetensors": (
        f"{COMMAND} --name els_no_sparsity --settings.sparsity_weight 0 --settings.content_epochs 0"
    ),
    "els_no_alignment.safetensors": f"{COMMAND} --name els_no_alignment --settings.alignment_weight 0",
}
"""that train each file"""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    file: str = FILE
    """of the network"""
    refined: bool = True
    """False: the style branch alone"""


@dataclass(frozen=True)
class ElsPrior(ByEncoder[Settings]):
    """Raises Unsupported where the domain lacks the network, or an encoder whose features can be read."""

    def __post_init__(self) -> None:
        self.network, self.encoder  # noqa: B018 - read now, so that a fit says what is missing

    @cached_property
    def network(self) -> TwoBranch:
        return network_of(self.domain, self.settings.file, COMMANDS[self.settings.file])

    @cached_property
    def encoder(self) -> CodesAndMaps:
        return encoder_of(self.domain)

    def encode(self, images: Image) -> WPlus:
        return self.encoder.codes_and_maps(images)[0]

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """E(x), and the reconstruction s = 0. Nothing is random, and there is no objective: the losses are [n, 0]."""
        photos = images.to(self.domain.device)
        ws = self.codes(photos)
        renderer = self.renderer(photos, ws)
        return Inversion.of(renderer, ws, renderer(ws, range(len(ws))), torch.empty(len(ws), 0))

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(self.renderer(tensors["photos"], tensors["ws"]), tensors)

    def renderer(self, photos: Image, ws: WPlus) -> Expanded:
        return Expanded(self.network, self.encoder, tapped(self.domain.generator), photos, ws, self.settings.refined)


def untrained_of(domain: Domain) -> TwoBranch:
    """What training starts from: the attributes are those that the domain's reader reads."""
    size = domain.resolution
    with torch.no_grad():
        _, maps = encoder_of(domain).codes_and_maps(torch.zeros(1, 3, size, size, device=domain.device))
    known = [name for name in ExpandedSettings().attributes if name in domain.reader.moments]
    return untrained(domain.generator, maps, known)


METHOD = Embedding(
    "els",
    "ELS",
    ElsPrior,
    dict.fromkeys(("smoke", "quick", "full", "paper"), Settings()),
    does=("invert",),
    networks=tuple(
        OwnNetwork(file, command, untrained_of, partial(load_network, TwoBranch), required=False)
        for file, command in COMMANDS.items()
    ),
)
