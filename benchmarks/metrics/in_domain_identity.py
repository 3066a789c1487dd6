"""Identity of random codes' images by the tuned generator, to the original's: what PTI's Figure 14 shows to shift."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def in_domain_identity(evaluation: Evaluation) -> Tensor:
    """``[n]``: the mean over an inversion's random codes. Raises Inapplicable where the task renders none."""
    return evaluation.fact("in_domain_identity", "the task renders no random codes")


METRIC = Metric(
    name="in_domain_identity",
    version=1,
    label="Identity, random codes",
    description="Cosine between the identity embeddings of random codes' images before and after tuning, on the judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=in_domain_identity,
)
