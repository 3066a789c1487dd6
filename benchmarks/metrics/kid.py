"""Kernel distance between outputs and reference set (Binkowski et al., 2018) on the domain's features."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable


def kid(evaluation: Evaluation) -> dict[str, float]:
    """``{group: value}``: ``grouped_mmd`` of outputs, in their order, and reference set."""
    return grouped_mmd(evaluation.deep("outputs"), evaluation.deep("train"))


def grouped_mmd(fake: Tensor, real: Tensor) -> dict[str, float]:
    """``{group: value}``: the unbiased MMD^2 with the kernel (x y / d + 1)^3 of features ``real`` and as many ``fake``.

    ``fake`` is taken in groups, in its order; a last group that is not whole is left out, unless it is the only one.
    Raises Inapplicable where there are fewer than two images on a side.
    """
    from torchmetrics.image.kid import poly_mmd

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
