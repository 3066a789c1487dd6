"""The synthetic domain: rendered people, and the networks of 128 px that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mystyle.domains.domain import Domain, DomainSource, Fits
from mystyle.domains.folder import Part, one_resolution, read_parts

if TYPE_CHECKING:
    import torch

    from mystyle.weights.manifest import Entry

ROLES = ("generator", "discriminator", "encoder", "features", "perceptual")
WAY_OUT = "restore them from a fresh clone, or train them with python -m mystyle.pretrain"


@dataclass(frozen=True)
class WeightFolder(DomainSource):
    """A domain of our own StyleGAN2 and feature networks, one safetensors file for each in a folder.

    ``features`` judges, ``perceptual`` serves losses and editors.
    """

    name: str
    folder: Path
    resolution: int = 0
    """px; what the files say counts"""
    people: str = ""
    manifest: tuple[Entry, ...] = ()
    """its files ship, or are the user's own"""

    def weights(self) -> dict[str, Path]:
        return {role: self.folder / f"{role}.safetensors" for role in ROLES}

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Raises DomainError with a line for everything that is wrong with the files."""
        import torch

        from mystyle.checkpoints import load_network
        from mystyle.networks.encoder import Encoder
        from mystyle.networks.features import FeatureNetwork, PerceptualDistance
        from mystyle.networks.stylegan2 import Discriminator, Generator

        kinds = dict(zip(ROLES, (Generator, Discriminator, Encoder, FeatureNetwork, FeatureNetwork), strict=True))
        parts = {role: Part(path, partial(load_network, kinds[role])) for role, path in self.weights().items()}
        read = read_parts(self.name, parts, device, one_resolution, WAY_OUT)
        networks = read.networks
        domain = Domain(
            name=self.name,
            resolution=networks["generator"].resolution,
            device=torch.device(device),
            generator=networks["generator"],
            discriminator=networks["discriminator"],
            encoder=networks["encoder"],
            perceptual=PerceptualDistance(networks["perceptual"]),
            reader=networks["perceptual"],
            judge=networks["features"],
            weights=read.weights,
            folder=self.folder,
        )
        return domain if fits is None else replace(domain, fits=fits)


DOMAIN = WeightFolder(
    "synthetic", Path(__file__).parents[1] / "weights" / "synthetic", 128, people="datasets.synthetic.people"
)
