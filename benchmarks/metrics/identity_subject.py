"""Identity similarity to the person in the photo, where the prior is of somebody else (MyStyle, Figure 14)."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.identity import similarity


def identity_subject(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine to the template of the person in the photo."""
    return similarity(evaluation.identity("outputs"), evaluation.identity("subject"))


METRIC = Metric(
    name="identity_subject",
    version=1,
    label="Identity, who is in the photo",
    description="Cosine to the mean identity embedding of the person in the photo, on the judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=identity_subject,
)
