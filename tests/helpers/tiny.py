"""A domain of small random networks at 32 x 32; its images show nothing and nothing is trained."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from benchmarks.api.registry import EDITORS, METHODS
from mystyle.checkpoints import save_network
from mystyle.domains.domain import Domain, Fits, InMemory
from mystyle.domains.synthetic import ROLES
from mystyle.networks.encoder import Encoder
from mystyle.networks.features import FeatureNetwork, PerceptualDistance
from mystyle.networks.stylegan2 import Discriminator, Generator

RESOLUTION = 32
ATTRIBUTES = {"yaw": (0.0, 15.0), "smile": (0.3, 0.4)}


def tiny_domain(seed: int = 0, folder: Path | None = None, fits: Fits | None = None) -> Domain:
    """The domain ``tiny``. With ``folder``, networks of methods and editors lie there, untrained."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = Generator(RESOLUTION, 16, 64, channel_base=256, channel_max=16, mapping_layers=2)
        discriminator = Discriminator(RESOLUTION, channel_base=256, channel_max=16)
        encoder = Encoder(RESOLUTION, 64, widths=(8, 16, 16))
        widths = (8, 8, 16)
        features = FeatureNetwork(RESOLUTION, widths, deep=32, embedding=16, attributes=ATTRIBUTES)
        perceptual = FeatureNetwork(RESOLUTION, widths, deep=32, embedding=16, attributes=ATTRIBUTES, norm=False)
        w = generator.mapping.w(torch.randn(256, 16)).detach()
        generator.mapping.w_avg.copy_(w.mean(0))
        encoder.w_avg.copy_(w.mean(0))
        # an untrained head is nearly constant; spread its codes as widely as W
        torch.nn.init.normal_(encoder.head.weight, std=0.05)
    for network in (generator, discriminator, encoder, features, perceptual):
        network.eval().requires_grad_(False)
    domain = Domain(
        name="tiny",
        resolution=RESOLUTION,
        device=torch.device("cpu"),
        generator=generator,
        discriminator=discriminator,
        encoder=encoder,
        perceptual=PerceptualDistance(perceptual),
        reader=perceptual,
        judge=features,
        weights={f"{role}.safetensors": f"random-{seed}" for role in ROLES},
        folder=folder,
        fits=InMemory() if fits is None else fits,
    )
    if folder is not None:
        owners = [kind.load(name) for kind in (METHODS, EDITORS) for name in kind.names()]
        for network in (network for owner in owners for network in getattr(owner, "networks", ())):
            if not (folder / network.file).exists():
                save_network(network.untrained(domain), folder / network.file)
    return domain


def write_weights(domain: Domain, folder: Path) -> Path:
    """The networks of ``tiny_domain`` as the files of a folder of weights, which is returned."""
    features = {"features": domain.judge, "perceptual": domain.reader}
    for role in ROLES:
        save_network(features.get(role) or getattr(domain, role), folder / f"{role}.safetensors")
    return folder


def load_tiny_domain(device: str = "cpu", fits: Fits | None = None) -> Domain:
    """The domain ``tiny`` as a worker process loads one; its folder lasts as long as the process."""
    return tiny_domain(folder=_folder_of_process(), fits=fits)


@cache
def _folder_of_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mystyle-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Source:
    """Where a domain comes from (``DomainSource``), as far as what does not load it asks."""

    files: Mapping[str, Path]
    resolution: int = RESOLUTION
    name: str = "synthetic"
    people: str = "datasets.synthetic.people"

    def weights(self) -> dict[str, Path]:
        return dict(self.files)
