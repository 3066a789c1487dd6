"""Whether an image shows a face at all, as far as a domain can tell without a detector."""

from __future__ import annotations

import torch
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.types import Image

UNLIKE = 0.41
"""Perceptual distance d(x, G(E(x))) above which an image x is no portrait.

On the synthetic domain the largest of 700 portraits was 0.40 (the median 0.19); flat grey has 0.43, noise and patterns
0.52 to 0.68, portraits upside down 0.38 to 0.58.
"""


@torch.no_grad()
def unlike_faces(images: Image, domain: Domain, batch: int = 32) -> Tensor:
    """Which of the images [n, 3, R, R] the encoder and the generator cannot reproduce even roughly: bool [n]."""
    g, distances = domain.generator, []
    for x in torch.split(images, batch):
        x = x.to(domain.device)
        y = g.synthesis(domain.encoder(x)[:, None].expand(-1, g.num_ws, -1), noise="const")
        distances.append(domain.perceptual(x, y.clamp(-1, 1)).cpu())
    return torch.cat(distances) > UNLIKE
