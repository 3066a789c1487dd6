"""How many edits change nothing that can be seen: the cycles that ``edit_consistency`` leaves out."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.cycles import cycles


def still_edits(evaluation: Evaluation) -> dict[str, float]:
    """``{case that ends a cycle: 1 where its edit changes nothing, else 0}``."""
    c = cycles(evaluation)
    return dict(zip(c.names, c.still.float().tolist(), strict=True))


METRIC = Metric(
    name="still_edits",
    version=1,
    label="Still edits",
    description="Share of cycles whose edit changes the image by less than 0.001 of the perceptual distance.",
    higher_is_better=False,
    range=(0.0, 1.0),
    unit="",
    network="perceptual",
    compute=still_edits,
)
