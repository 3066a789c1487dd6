"""The recogniser of a domain's weights, MobileFaceNet, as albums use it."""

from __future__ import annotations

from mystyle.albums.people import Recogniser
from mystyle.types import Image

FILE = "judge.safetensors"
THRESHOLD = 0.37
BATCH = 64


def load_recogniser(domain: str = "faces", device: str = "cpu") -> Recogniser:
    """From the file that ``python -m mystyle.weights`` brings. Raises ValueError if it is missing or damaged."""
    import torch
    import torch.nn.functional as F

    from mystyle.checkpoints import load_network
    from mystyle.chips import ARCFACE, chips, region_of
    from mystyle.files import sha256
    from mystyle.networks.mobilefacenet import MobileFaceNet
    from mystyle.weights import weight_file

    path = weight_file(domain, FILE)
    if not path.is_file():
        raise ValueError(
            f"{path} is missing: the recogniser that tells people apart. "
            f"Bring it by python -m mystyle.weights {domain} --bring"
        )
    network = load_network(MobileFaceNet, path).to(device)
    region = region_of(ARCFACE)

    @torch.no_grad()
    def embed(images: Image) -> torch.Tensor:
        faces = [chips(part.to(device), region, network.size) for part in torch.split(images, BATCH)]
        return torch.cat([F.normalize(network(part)).cpu() for part in faces])

    return Recogniser(embed, THRESHOLD, "MobileFaceNet", sha256(path))
