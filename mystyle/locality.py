"""PTI's locality regularisation (Roich et al., 2021, section 3.3): tuning must not change what is away from a pivot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mystyle.losses import reconstruction
from mystyle.roles import Generator, PerceptualDistance, SynthesisNetwork
from mystyle.types import WPlus


@dataclass(frozen=True)
class Locality:
    """Eq. 4 to 7. The defaults are the text's; ``CODE`` is the released code's, where it is off unless asked for."""

    weight: float = 0.1
    """lambda_R"""
    distance: float = 0.78
    """alpha in units of the RMS distance of codes from their mean.

    The code takes its norm over all 18 layers together, so that its 30 is 30 / sqrt(18) = 7.1 in each, and that is 0.78
    of the 9.06 of FFHQ. The text's description fits this reading alone (8 is next to the pivot, 60 is a random code).
    """
    codes: int = 1
    """N_r, at each pivot and step"""
    l2_weight: float = 1.0
    """lambda_L2^R"""
    truncation: float = 1.0
    """psi of w_z"""
    noise: Literal["const", "none"] = "const"
    """of both images"""


CODE = Locality(truncation=0.5, noise="none")


def locality_loss(
    tuned: SynthesisNetwork,
    original: Generator,
    perceptual: PerceptualDistance,
    pivots: WPlus,
    z: Tensor,
    std: float,
    s: Locality,
) -> Tensor:
    """L_R of Eq. 5 with a code for each of ``pivots`` [n, 1 or num_ws, w_dim], towards f(``z``) [n, z_dim]: [n].

    ``std`` is that of ``LatentStatistics``. A pivot of W+ is left along the straight line in W+, by ``s.distance`` in
    the mean square over layers.
    """
    layers = pivots.shape[1]
    with torch.no_grad():
        away = original.mapping(z, truncation=s.truncation)[:, :layers] - pivots
        norm = away.norm(dim=(1, 2), keepdim=True) / layers**0.5
        w_r = (pivots + s.distance * std * away / norm).expand(-1, original.num_ws, -1)
        x_r = original.synthesis(w_r, noise=s.noise)
        features = perceptual.features(x_r)
    return reconstruction(perceptual, tuned(w_r, noise=s.noise), x_r, features, s.l2_weight)
