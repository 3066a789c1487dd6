"""Frechet distance between outputs and the photos that they were made from (II2S, Tables 2 and 3)."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.fid import frechet
from benchmarks.metrics.inputs import input_features


def fid_inputs(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": value}``. Biased upwards where images are few: compare within one number of them."""
    return {"all outputs": frechet(evaluation.deep("outputs"), input_features(evaluation))}


METRIC = Metric(
    name="fid_inputs",
    version=1,
    label="FID to the inputs",
    description="Frechet distance to the photos that were inverted, on the domain's judge (not Inception; biased).",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=fid_inputs,
)
