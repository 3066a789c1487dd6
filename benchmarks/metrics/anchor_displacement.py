"""How far a training moved the anchors (MyStyle, C.3), to tell trained anchors from such that only could have moved."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric


def anchor_displacement(evaluation: Evaluation) -> dict[str, float]:
    """``{"anchors": value}``. Raises Inapplicable for priors whose anchors are not trained."""
    return {"anchors": float(evaluation.fact("anchor_displacement", "the prior has no trained anchors")[0])}


METRIC = Metric(
    name="anchor_displacement",
    version=1,
    label="Displacement of anchors",
    description="RMS distance of the anchors from their start, in standard deviations of W (RMS distance of its codes "
    "from their mean).",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network=None,
    compute=anchor_displacement,
)
