"""Frechet distance between outputs and reference set (Heusel et al., 2017) on the domain's features, where there is no
Inception.
"""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


class Given(nn.Module):
    """Stands where torchmetrics wants a network: the features are there already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def fid(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": value}``. With fewer images than features it is biased upwards, alike for methods and sizes."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    fake, real = evaluation.deep("outputs"), evaluation.deep("train")
    if len(fake) < 2 or len(real) < 2:
        raise Inapplicable("needs two images on both sides")
    distance = FrechetInceptionDistance(Given(real.shape[1]), input_img_size=(3, 8, 8))
    distance.update(real, real=True)
    distance.update(fake, real=False)
    return {"all outputs": float(distance.compute().clamp(min=0))}


METRIC = Metric(
    name="fid",
    version=1,
    label="FID",
    description="Frechet distance to the reference set on the domain's judge (not Inception; biased).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=fid,
)
