"""The synthetic domain: rendered people, and the networks of 128 px that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystyle.domains.domain import Domain, DomainError, Fits

if TYPE_CHECKING:
    import torch

ROLES = ("generator", "discriminator", "encoder", "features", "perceptual")


@dataclass(frozen=True)
class WeightFolder:
    """A domain of our own StyleGAN2 and feature networks, one safetensors file for each in a folder.

    ``features`` judges, ``perceptual`` serves losses and editors.
    """

    name: str
    folder: Path
    resolution: int = 0
    """px; what the files say counts"""
    people: str = ""

    def weights(self) -> dict[str, Path]:
        return {role: self.folder / f"{role}.safetensors" for role in ROLES}

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Raises DomainError with a line for everything that is wrong with the files."""
        import torch

        from mystyle.checkpoints import CheckpointError, load_network, sha256
        from mystyle.networks.encoder import Encoder
        from mystyle.networks.features import FeatureNetwork, PerceptualDistance
        from mystyle.networks.stylegan2 import Discriminator, Generator

        kinds = dict(zip(ROLES, (Generator, Discriminator, Encoder, FeatureNetwork, FeatureNetwork), strict=True))
        networks: dict[str, Any] = {}
        problems = []
        for role, path in self.weights().items():
            try:
                networks[role] = load_network(kinds[role], path).to(device)
            except CheckpointError as error:
                problems.append(str(error))
        if not problems and len(sizes := {network.resolution for network in networks.values()}) > 1:
            problems.append(f"the networks are of different resolutions: {sorted(sizes)} px")
        if problems:
            raise DomainError(
                f"the weights of domain {self.name!r} cannot be used:\n  " + "\n  ".join(problems) + "\n"
                "restore them from a fresh clone, or train them with python -m mystyle.pretrain"
            )
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
            weights={path.name: sha256(path) for path in self.weights().values()},
            folder=self.folder,
        )
        return domain if fits is None else replace(domain, fits=fits)


DOMAIN = WeightFolder(
    "synthetic", Path(__file__).parents[1] / "weights" / "synthetic", 128, people="datasets.synthetic.people"
)
