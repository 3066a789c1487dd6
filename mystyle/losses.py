"""The losses of MyStyle, one value per image: Eq. 1, 8 and 9. Eq. 10, their sum, is in ``mystyle.projection``."""

from __future__ import annotations

from torch import Tensor
from torch.linalg import vector_norm

from mystyle.roles import PerceptualDistance
from mystyle.types import Image


def reconstruction(
    perceptual: PerceptualDistance,
    images: Image,
    target: Image,
    target_features: tuple[Tensor, ...],
    l2_weight: float = 1.0,
) -> Tensor:
    """Eq. 1, L_lpips(images, target) + lambda_L2 ||images - target||_2: two [n, 3, h, w] to [n].

    ``target_features`` is ``perceptual.features(target)``, which the caller computes once per target. The L2 term is
    the mean squared error, as in the official code of MyStyle and PTI; the text prints a plain norm.
    """
    lpips = perceptual.to_target(images, target_features)
    l2 = (images - target).square().mean(dim=(1, 2, 3))
    return lpips + l2_weight * l2


def sum_penalty(alpha: Tensor) -> Tensor:
    """Eq. 8, (sum_i alpha_i - 1)^2, averaged over the layers of alpha+: [n, layers, N] to [n]."""
    return (alpha.sum(dim=-1) - 1).square().mean(dim=-1)


def offset_norm(delta: Tensor, layers: int) -> Tensor:
    """Eq. 9, sum_l ||Delta_l||_2 over the first ``layers`` layers: [n, num_ws, N] to [n].

    Not squared, and the offsets start at zero: ``vector_norm`` has the subgradient 0 there, where the square root of a
    sum of squares would give NaN.
    """
    norms: Tensor = vector_norm(delta[:, :layers], dim=-1)
    return norms.sum(dim=-1)


def regularised_layers(num_ws: int) -> int:
    """How many layers Eq. 9 covers: the paper's first 12 of the 18 of a 1024-pixel generator, as the same fraction."""
    return round(num_ws * 12 / 18)
