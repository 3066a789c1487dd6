"""P, P-norm and P-norm+: where codes look like a standard normal sample.

Zhu et al., "Improved StyleGAN Embedding: Where are the Good Latents?" (II2S), section 3. Undoing the leaky ReLU at the
end of the mapping network takes W to P, whitening P by its principal components to P-norm. A code of P-norm+ has such a
vector for each layer.

The least components have a deviation of less than a ten-thousandth of the largest (FFHQ: 2.6e-4 and 5.5), so that a
coordinate there says nothing and moves no pixel. All components are kept, so that nothing of a code is lost on the way;
deviations below ``FLOOR`` of the largest count as that, or rounding would be read as a far outlier.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.roles import Generator
from mystyle.types import WPlus

VERSION = 1  # of the fit
SLOPE = 0.2  # of the mapping network's last activation; its gain of sqrt(2) is a factor of P that whitening removes
SAMPLES = 1_000_000
FLOOR = 1e-3
BATCH = 10_000


def to_p(w: WPlus) -> Tensor:
    """The inverse of the activation, a leaky ReLU of slope 5: of any shape."""
    return F.leaky_relu(w, 1 / SLOPE)


def from_p(p: Tensor) -> WPlus:
    return F.leaky_relu(p, SLOPE)


@dataclass(frozen=True)
class PNorm:
    """The whitening of one mapping network's P."""

    mean: Tensor
    """[w_dim] of P, which is not the mean of W taken to P"""
    components: Tensor
    """[w_dim, w_dim]: orthonormal rows, the one of the largest variance first"""
    scale: Tensor
    """[w_dim]: deviations along them"""

    def __call__(self, ws: WPlus) -> Tensor:
        """v of codes [..., w_dim], of the same shape."""
        v: Tensor = (to_p(ws) - self.mean) @ self.components.T / self.scale
        return v

    def codes(self, v: Tensor) -> WPlus:
        """The codes of v, the inverse of ``__call__``."""
        return from_p((v * self.scale) @ self.components + self.mean)

    def clipped(self, ws: WPlus, limit: float) -> WPlus:
        """Clip-c: every coordinate of v within ``limit`` deviations of the mean."""
        return self.codes(self(ws).clamp(-limit, limit))

    def projected(self, ws: WPlus, radius: float) -> WPlus:
        """Project-r: for every component the vector of its values in all layers has at most the norm ``radius``.

        ``ws`` is [n, layers, w_dim]. The text says only when a vector is longer that it is projected.
        """
        return self.codes(shortened(self(ws), radius))

    @property
    def diagonal(self) -> PNorm:
        """Every coordinate of P whitened by itself, without a rotation, as in PULSE."""
        variances = (self.components * self.scale[:, None]).square().sum(dim=0)
        return PNorm(self.mean, torch.eye(len(self.mean)).to(self.mean), variances.sqrt())


def shortened(v: Tensor, radius: float) -> Tensor:
    """v [n, layers, w_dim], where every component's vector of layers has at most the norm ``radius``."""
    norms = v.norm(dim=-2, keepdim=True)
    return torch.where(norms > radius, v * (radius / norms), v)


@torch.no_grad()
def fit_pnorm(generator: Generator, samples: int = SAMPLES, floor: float = FLOOR) -> PNorm:
    """Mean and covariance of P over random codes, in float64, without keeping them."""
    draws = torch.Generator().manual_seed(0)
    w_avg = generator.mapping.w_avg
    total = torch.zeros(generator.w_dim, dtype=torch.float64)
    products = torch.zeros(generator.w_dim, generator.w_dim, dtype=torch.float64)
    for start in range(0, samples, BATCH):
        z = torch.randn(min(BATCH, samples - start), generator.z_dim, generator=draws)
        p = to_p(generator.mapping.w(z.to(w_avg))).cpu().double()
        total += p.sum(dim=0)
        products += p.T @ p
    mean = total / samples
    values, vectors = torch.linalg.eigh(products / samples - mean.outer(mean))
    deviations = values.flip(0).clamp_min(0).sqrt()
    scale = deviations.clamp_min(floor * float(deviations[0]))
    return PNorm(mean.to(w_avg), vectors.flip(1).T.contiguous().to(w_avg), scale.to(w_avg))


def pnorm_of(domain: Domain, samples: int = SAMPLES) -> PNorm:
    """The domain's, fitted once."""

    def compute() -> dict[str, Tensor]:
        found = fit_pnorm(domain.generator, samples)
        return {name: getattr(found, name).cpu() for name in ("mean", "components", "scale")}

    fitted = domain.fitted("pnorm", VERSION, {"samples": samples, "floor": FLOOR}, compute)
    return PNorm(**{name: tensor.to(domain.device) for name, tensor in fitted.items()})
