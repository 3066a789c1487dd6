"""Methods whose codes are those of an encoder into W+: pSp and e4e."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from baselines.common.embedding import ByEncoder, Embedding
from mystyle.checkpoints import CheckpointError, load_network, native
from mystyle.domains.domain import Domain
from mystyle.networks import psp
from mystyle.networks.encoder import reduced
from mystyle.networks.style_encoder import Kind, StyleEncoder
from mystyle.pretrain.style_encoder import untrained
from mystyle.protocols import OwnNetwork
from mystyle.types import Image, Unsupported, WPlus


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""


@dataclass(frozen=True)
class StyleEncoderPrior(ByEncoder[Settings]):
    """The domain's generator as it is, and codes by one pass of ``encoder``."""

    encoder: Callable[[Image], WPlus]

    def encode(self, images: Image) -> WPlus:
        return self.encoder(images)


def read(kind: Kind, path: Path) -> StyleEncoder | psp.StyleEncoder:
    """Our network or the official one (domain ``ffhq``), whose configuration has the depths of IR-SE50.

    Raises CheckpointError for a file of another network or kind.
    """
    official = path.is_file() and "depths" in native.read(path).config
    network: StyleEncoder | psp.StyleEncoder
    network = load_network(psp.StyleEncoder, path) if official else load_network(StyleEncoder, path)
    if network.kind != kind:
        raise CheckpointError(f"{path}: holds an encoder of kind {network.kind}, expected {kind}")
    return network


def prior(network: OwnNetwork, domain: Domain, settings: Settings) -> StyleEncoderPrior:
    """Raises Unsupported where the domain lacks the network, or has another number of codes than it gives."""
    file = domain.file(network.file)
    if file is None:
        official = "of ffhq it is brought by python -m mystyle.weights ffhq"
        raise Unsupported(f"domain {domain.name} has no {network.file}; {network.command} trains it, {official}")
    encoder: Any = network.read(file).to(domain.device)
    g = domain.generator
    if (given := (encoder.num_ws, encoder.w_dim)) != (g.num_ws, g.w_dim):
        raise Unsupported(f"{network.file} gives codes {list(given)}, the generator takes {[g.num_ws, g.w_dim]}")
    if isinstance(encoder, psp.StyleEncoder):
        return StyleEncoderPrior(domain, settings, psp.WEncoder(encoder).codes)
    return StyleEncoderPrior(domain, settings, lambda images: encoder(reduced(images, encoder.resolution)))


def encoder_method(kind: Kind, title: str) -> Embedding:
    """The method of ``kind``, the same in all presets."""
    network = OwnNetwork(
        f"{kind}.safetensors",
        f"python -m mystyle.pretrain {kind} --data data/population",
        partial(untrained, kind=kind),
        partial(read, kind),
        required=False,
    )
    presets = dict.fromkeys(("smoke", "quick", "full", "paper"), Settings())
    return Embedding(kind, title, partial(prior, network), presets, does=("invert",), networks=(network,))
