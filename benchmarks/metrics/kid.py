"""Kernel distance between outputs and reference set (Binkowski et al., 2018) on the domain's features."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def kid(evaluation: Evaluation) -> dict[str, float]:
    """``{group: value}``: the unbiased MMD^2 with the kernel (x y / d + 1)^3 of the photos and as many outputs.

    Outputs are taken in groups, in their order; a last group that is not whole is left out, unless it is the only one.
    """
    from torchmetrics.image.kid import poly_mmd

    fake, real = evaluation.deep("outputs"), evaluation.deep("train")
    size = min(len(fake), len(real))
    if size < 2:
        raise Inapplicable("needs two images on both sides")
    groups = range(len(fake) // size)
    return {f"group {g}": float(poly_mmd(real[:size], fake[g * size : (g + 1) * size])) for g in groups}


METRIC = Metric(
    name="kid",
    version=1,
    label="KID",
    description="Unbiased kernel distance to the reference set on the domain's judge (not Inception).",
    higher_is_better=False,
    range=(None, None),
    unit="",
    network="judge",
    compute=kid,
)
