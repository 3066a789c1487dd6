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
    """How many layers Eq. 9 covers: the first 12 (B.2), which are all that work at up to 128 px.

    They are the convolutions at 4 to 128 px, and the row that those at 256 px share with RGB at 128 px. What is free
    are the 6 above of 1024 px, 4 of 512 px, 2 of 256 px, and none of a smaller generator. Layers of MobileStyleGAN
    stand in the same order by the size of their features, which is half that of the image they make: 4 of 1024 px and
    2 of 512 px are free.
    """
    return min(num_ws, 12)
