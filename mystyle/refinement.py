"""An encoder's codes, refined: some steps of descent in W from where it points, for anchors on photographs.

A feed-forward encoder finds pose, light and expression of a photograph at once and its identity hardly; a descent from
the mean code finds somebody else who looks alike from pixels. So the descent begins at the encoder's code and looks at
the identity, too, through a recogniser that judges nothing. It runs in whitened coordinates v, w = mean + v C^(1/2)
with C the covariance of W, in which a step is as long in every direction as W is wide (as in P_N of II2S).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mystyle.descent import DescentSettings, Ramps, Schedule, batches, descend
from mystyle.digests import digest
from mystyle.domains.domain import Fits, InMemory
from mystyle.latents.statistics import latent_samples
from mystyle.losses import reconstruction
from mystyle.precision import computing_in
from mystyle.roles import DeepFeatures, Encoder, Generator, PerceptualDistance
from mystyle.types import Image, W

SCHEDULE = Ramps(0.12, up=0.1, down=0.6)


@dataclass(frozen=True)
class RefinementSettings(DescentSettings):
    steps: int = 30
    schedule: Schedule = SCHEDULE
    batch: int = 8
    identity_weight: float = 0.4
    """of the squared Euclidean distance of the recogniser's features"""
    prior_weight: float = 0.01
    """of the mean square of v, which keeps codes where W is dense"""


class RefiningEncoder:
    """The role ``Encoder``: ``encoder`` and then a descent. Without steps it is ``encoder``.

    Codes are kept in ``fits``, those of the domain that it is of, by the images and ``key``, plain data that names the
    networks.
    """

    version = 1

    def __init__(
        self,
        encoder: Encoder,
        generator: Generator,
        perceptual: PerceptualDistance,
        identity: DeepFeatures,
        settings: RefinementSettings,
        key: Mapping[str, Any] | None = None,
    ):
        self.encoder, self.generator, self.perceptual, self.identity = encoder, generator, perceptual, identity
        self.settings, self.key = settings, dict(key or {})
        self.fits: Fits = InMemory()

    @cached_property
    def whitening(self) -> tuple[W, Tensor, Tensor]:
        """The mean of W [w_dim], and the matrices [w_dim, w_dim] from codes to whitened coordinates and back."""
        w = latent_samples(self.generator)
        values, vectors = torch.linalg.eigh(torch.cov(w.T.double()))
        root = values.clamp_min(1e-4 * float(values[-1])).sqrt()  # the least directions have hardly any variance
        return w.mean(dim=0), (vectors / root).to(w), (root[:, None] * vectors.T).to(w)

    def __call__(self, images: Image) -> W:
        """[n, 3, R, R] -> [n, w_dim], without gradients."""
        names = {"fit": "refined codes", "version": self.version, "settings": asdict(self.settings), **self.key}
        kept = self.fits.get({**names, "images": digest(images)}, lambda: {"w": self.codes(images).cpu()})
        return kept["w"].to(images)

    def codes(self, images: Image) -> W:
        """The codes, made anew."""
        with torch.no_grad():
            start = self.encoder(images)
        with computing_in(self.settings.precision, self.generator):
            parts = [
                self.refined(images[rows], start[rows], on_step)
                for rows, on_step in batches(len(images), self.settings, "anchors")
            ]
        return torch.cat(parts)

    def refined(self, x: Image, start: W, on_step: Callable[[int, Tensor], None]) -> W:
        """The codes of one batch."""
        s, g = self.settings, self.generator
        mean, whiten, _ = self.whitening
        v = ((start - mean) @ whiten).requires_grad_()
        with torch.no_grad():
            features, person = self.perceptual.features(x), self.identity.deep(x)

        def objective(_: int) -> Tensor:
            y = g.synthesis(self.w(v)[:, None].expand(-1, g.num_ws, -1), noise="const")
            identity = (self.identity.deep(y) - person).square().sum(dim=1)
            prior = v.square().mean(dim=1)
            loss: Tensor = reconstruction(self.perceptual, y, x, features, s.l2_weight)
            return loss + s.identity_weight * identity + s.prior_weight * prior

        descend((v,), objective, s, on_step=on_step)
        return self.w(v).detach()

    def w(self, v: Tensor) -> W:
        """Whitened coordinates to codes."""
        mean, _, colour = self.whitening
        w: W = mean + v @ colour
        return w
