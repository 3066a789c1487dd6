"""Frechet distance between outputs and reference set (Heusel et al., 2017) on the domain's features, where there is no
Inception.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def fid(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": value}``. With fewer images than features it is biased upwards, alike for methods and sizes."""
    return {"all outputs": frechet(evaluation.deep("outputs"), evaluation.deep("train"))}


def frechet(fake: Tensor, real: Tensor) -> float:
    """Of features [n, d] and [m, d], |mu - mu'|^2 + tr C + tr C' - 2 tr (C C')^(1/2), in float64.

    With C = X'X and C' = Y'Y of centred features, the last trace is the sum of the singular values of X Y', which is
    exact however few the images are, and so is that of the triangles of their QR decompositions, which are small
    however many there are. Raises Inapplicable where there are fewer than two images on a side.
    """
    if len(fake) < 2 or len(real) < 2:
        raise Inapplicable("needs two images on both sides")
    means = [x.double().mean(dim=0) for x in (fake, real)]
    x, y = ((x.double() - mean) / (len(x) - 1) ** 0.5 for x, mean in zip((fake, real), means, strict=True))
    (_, r), (_, s) = (torch.linalg.qr(z, mode="r") for z in (x, y))
    apart = (means[0] - means[1]).square().sum() + x.square().sum() + y.square().sum()
    return float((apart - 2 * torch.linalg.matrix_norm(r @ s.T, "nuc")).clamp(min=0))


METRIC = Metric(
    name="fid",
    version=2,
    label="FID",
    description="Frechet distance to the reference set on the domain's judge (not Inception; biased).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=fid,
)
