"""A domain: everything that is fixed before a person arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mystyle.networks.encoder import Encoder
    from mystyle.networks.features import FeatureNetwork, PerceptualDistance
    from mystyle.networks.stylegan2 import Discriminator, Generator

DIRECTIONS = "directions.safetensors"  # optional, beside the generator
ROLES = ("generator", "discriminator", "encoder", "features", "perceptual")
RESOLUTIONS = {"synthetic": 128}  # pixels a side, by domain


class DomainError(ValueError):
    """A domain that is unknown or whose weight files are missing or damaged; the message says how to mend it."""


@dataclass(frozen=True)
class Domain:
    """The networks of a domain, frozen and in eval mode on ``device``.

    ``generator`` is the domain prior G_d, ``encoder`` finds anchors in W, ``features`` serves MAPS and identity,
    ``perceptual`` is the LPIPS-form distance, on a network of its own. ``weights`` maps file names to SHA-256.
    """

    name: str
    resolution: int
    device: torch.device
    generator: Generator
    discriminator: Discriminator
    encoder: Encoder
    features: FeatureNetwork
    perceptual: PerceptualDistance
    weights: Mapping[str, str]
    directions: Mapping[str, Tensor] = field(default_factory=dict)
    """of W, by name; a strength of 1 is a standard deviation"""
    folder: Path | None = None
    """where the weight files lie; rivals may have networks of the domain there"""

    def base(self, file: str) -> Path:
        """The weight file of a rival's network of this domain. Raises DomainError if it is not there."""
        if self.folder is None or not (self.folder / file).is_file():
            raise DomainError(
                f"domain {self.name!r} has no {file}; "
                f"train it with python -m baselines.common.pretrain {Path(file).stem}"
            )
        return self.folder / file


def domain_weights(name: str) -> dict[str, Path]:
    """The weight files of a domain by role, without opening them. Raises DomainError for an unknown domain."""
    if name not in RESOLUTIONS:
        raise DomainError(f"unknown domain {name!r}; there are: {', '.join(RESOLUTIONS)}")
    folder = Path(__file__).parent.parent / "weights" / name
    return {role: folder / f"{role}.safetensors" for role in ROLES}


def load_domain(name: str, device: torch.device | str = "cpu") -> Domain:
    """Reads the weight files of a domain. Raises DomainError naming every file that is missing or damaged."""
    files = domain_weights(name)
    try:
        return read_domain(name, files, device)
    except DomainError as error:
        raise DomainError(
            f"the weights of domain {name!r} cannot be used:\n  {error}\n"
            "restore them from a fresh clone, or train them with python -m mystyle.pretrain"
        ) from error


def read_domain(name: str, files: Mapping[str, Path], device: torch.device | str = "cpu") -> Domain:
    """A domain from its weight files by role. Raises DomainError with a line for everything that is wrong with them."""
    import torch

    from mystyle.checkpoints import CheckpointError, load_network, sha256
    from mystyle.directions import load_directions
    from mystyle.networks.encoder import Encoder
    from mystyle.networks.features import FeatureNetwork, PerceptualDistance
    from mystyle.networks.stylegan2 import Discriminator, Generator

    kinds = dict(zip(ROLES, (Generator, Discriminator, Encoder, FeatureNetwork, FeatureNetwork), strict=True))
    networks, problems = {}, []
    for role, path in files.items():
        try:
            networks[role] = load_network(kinds[role], path).to(device)
        except CheckpointError as error:
            problems.append(str(error))
    if not problems and len(sizes := {network.resolution for network in networks.values()}) > 1:
        problems.append(f"the networks are of different resolutions: {sorted(sizes)} px")
    hashes = {} if problems else {path.name: sha256(path) for path in files.values()}
    directions: dict[str, Tensor] = {}
    if not problems and (path := files["generator"].with_name(DIRECTIONS)).is_file():
        try:
            directions = load_directions(path, networks["generator"].w_dim, hashes[files["generator"].name], device)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise DomainError("\n  ".join(problems))
    return Domain(
        name=name,
        resolution=networks["generator"].resolution,
        device=torch.device(device),
        perceptual=PerceptualDistance(networks.pop("perceptual")),
        weights=hashes,
        directions=directions,
        folder=files["generator"].parent,
        **networks,
    )


def tiny_domain(seed: int = 0) -> Domain:
    """A domain of small random networks at 32 x 32, for tests; its pictures show nothing."""
    import torch

    from mystyle.networks.encoder import Encoder
    from mystyle.networks.features import FeatureNetwork, PerceptualDistance
    from mystyle.networks.stylegan2 import Discriminator, Generator

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        attributes = {"yaw": (0.0, 15.0), "smile": (0.3, 0.4)}
        networks = {
            "generator": Generator(32, 16, 64, channel_base=256, channel_max=16, mapping_layers=2),
            "discriminator": Discriminator(32, channel_base=256, channel_max=16),
            "encoder": Encoder(32, 64, widths=(8, 16, 16)),
            "features": FeatureNetwork(32, (8, 8, 16), deep=32, embedding=16, attributes=attributes),
            "perceptual": FeatureNetwork(32, (8, 8, 16), deep=32, embedding=16, attributes=attributes, norm=False),
        }
        z = torch.randn(256, 16)
        w = networks["generator"].mapping.w(z).detach()
        networks["generator"].mapping.w_avg.copy_(w.mean(0))
        networks["encoder"].w_avg.copy_(w.mean(0))
        # an untrained head is nearly constant; spread its codes as widely as W
        torch.nn.init.normal_(networks["encoder"].head.weight, std=0.05)
    for network in networks.values():
        network.eval().requires_grad_(False)
    return Domain(
        name="tiny",
        resolution=32,
        device=torch.device("cpu"),
        perceptual=PerceptualDistance(networks.pop("perceptual")),
        weights={f"{role}.safetensors": f"random-{seed}" for role in ROLES},
        **networks,
    )
