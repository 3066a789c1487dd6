"""Frechet distance between outputs and reference set on Inception (Heusel et al., 2017), where its file is there."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.fid import frechet

FILE = "inception.safetensors"


def fid_inception(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": value}``, with the bias of few images. Raises Inapplicable without the file."""
    from mystyle.networks.inception import Inception

    deep = evaluation.network(FILE, Inception).deep
    outputs, photos = (evaluation.apply(deep, images) for images in (evaluation.pixels, evaluation.train.images))
    return {"all outputs": frechet(outputs, photos)}


METRIC = Metric(
    name="fid_inception",
    version=1,
    label="FID, Inception",
    description="Frechet distance to the reference set on Inception v3 of 2015 (biased by few images).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network=None,
    compute=fid_inception,
    files=(FILE,),
)
