"""Methods whose codes are those of an encoder into W+: pSp and e4e."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from baselines.common.embedding import ByEncoder, Embedding
from mystyle.checkpoints import CheckpointError, load_network, native
from mystyle.digests import fingerprint
from mystyle.domains.domain import Domain
from mystyle.networks import psp
from mystyle.networks.style_encoder import Kind, StyleEncoder, StyleHeads
from mystyle.pretrain.style_encoder import untrained, w_encoder
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


def read(kind: Kind, path: Path) -> StyleHeads | psp.StyleEncoder:
    """Our heads or the official network (domain ``ffhq``), whose configuration has the depths of IR-SE50.

    Raises CheckpointError for a file of another network or kind.
    """
    official = path.is_file() and "depths" in native.read(path).config
    network: StyleHeads | psp.StyleEncoder
    network = load_network(psp.StyleEncoder, path) if official else load_network(StyleHeads, path)
    if network.kind != kind:
        raise CheckpointError(f"{path}: holds an encoder of kind {network.kind}, expected {kind}")
    return network


def prior(network: OwnNetwork, domain: Domain, settings: Settings) -> StyleEncoderPrior:
    """Raises Unsupported where the domain lacks the network, and where it is another generator's or encoder's."""
    file = domain.file(network.file)
    if file is None:
        official = "of ffhq it is brought by python -m mystyle.weights ffhq"
        raise Unsupported(f"domain {domain.name} has no {network.file}; {network.command} trains it, {official}")
    found: Any = network.read(file).to(domain.device)
    g = domain.generator
    if (given := (found.num_ws, found.w_dim)) != (g.num_ws, g.w_dim):
        raise Unsupported(f"{network.file} gives codes {list(given)}, the generator takes {[g.num_ws, g.w_dim]}")
    if isinstance(found, psp.StyleEncoder):
        return StyleEncoderPrior(domain, settings, psp.WEncoder(found).codes)
    encoder = w_encoder(domain)
    if found.config["encoder"] != fingerprint(encoder):
        other = f"is of another encoder than that of domain {domain.name}"
        raise Unsupported(f"{network.file} {other}; {network.command} trains it")
    return StyleEncoderPrior(domain, settings, StyleEncoder(encoder, found))


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
