"""Checkpoint selection of adversarial trainings: by the reference photos, never by test photos."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mystyle.latents.statistics import centre_truncation
from mystyle.roles import Generator, PerceptualDistance
from mystyle.types import Image


class BestSnapshot:
    """Keeps the generator whose samples lie nearest to the photos, by kernel distance between deep features.

    The distance is KID's: the unbiased MMD of the kernel (x y / d + 1)^3 (Binkowski et al., 2018), on the network that
    losses use, so that no method selects itself by the one that judges it. Sets of as many samples as there are
    photos, about ``samples`` in all, are sampled from the same z every time, with the ``truncation`` of the method's
    samples: without it a generator may look worse that gives the better ones.
    """

    def __init__(self, photos: Image, perceptual: PerceptualDistance, truncation: float, samples: int = 256):
        self.truncation = truncation
        self.network, self.rounds = perceptual.network, max(1, round(samples / len(photos)))
        self.real = self._features(photos)
        self.distances: dict[int, float] = {}
        """by step"""
        self.best: Mapping[str, Tensor] | None = None

    def watch(self, generator: Generator, step: int, steps: int, moments: int) -> None:
        """Looks if one of ``moments`` equal parts of a training of ``steps`` ends with ``step``, counted from 0."""
        if (step + 1) * moments // steps > step * moments // steps:
            self.look(generator, step + 1)

    @torch.no_grad()
    def look(self, generator: Generator, step: int) -> None:
        """Measures ``generator``, whose truncation it centres, and keeps a copy if it is the best so far."""
        from torchmetrics.image.kid import poly_mmd

        centre_truncation(generator)
        draws = torch.Generator().manual_seed(0)
        found = []
        for _ in range(self.rounds):
            z = torch.randn(len(self.real), generator.z_dim, generator=draws).to(self.real)
            fake = torch.cat([self._features(generator(part, self.truncation)) for part in z.split(16)])
            found.append(float(poly_mmd(self.real, fake)))
        self.distances[step] = sum(found) / len(found)
        if self.distances[step] == min(self.distances.values()):
            self.best = {name: value.clone() for name, value in generator.state_dict().items()}

    def restore(self, generator: Generator) -> None:
        """Gives ``generator`` the best weights; without any look it stays as it is."""
        if self.best is not None:
            generator.load_state_dict(self.best)

    @torch.no_grad()
    def _features(self, images: Image) -> Tensor:
        return torch.cat([self.network.deep(part.clamp(-1, 1)) for part in images.split(64)])
