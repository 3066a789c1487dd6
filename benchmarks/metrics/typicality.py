"""How typical the photo is that a case was made from: its mean similarity to the reference photos.

Appendix C.1 of MyStyle calls the person's common, simple appearance typical. A maximum, as MAPS is, would call a photo
typical that is like a single other one.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.api.metric import Evaluation, Metric


def typicality(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean cosine of the clean photo's features to those of the reference photos, which MAPS looks at, too."""
    return normalize(evaluation.deep("clean")) @ normalize(evaluation.deep("train")).mean(dim=0)


METRIC = Metric(
    name="typicality",
    version=2,
    label="Typicality",
    description="Mean similarity of the case's photo to the reference photos; says nothing of the method.",
    higher_is_better=None,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=typicality,
)
