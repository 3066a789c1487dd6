"""Identity similarity to the photo that the case was made from: an inversion should be who is in it."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def identity_photo(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine between the identity embeddings of output and clean photo. It needs no other photo of anybody."""
    return (evaluation.identity("outputs") * evaluation.identity("clean")).sum(dim=1)


METRIC = Metric(
    name="identity_photo",
    version=1,
    label="Identity, of the photo",
    description="Cosine between the identity embeddings of the image and of the clean photo, on the judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=identity_photo,
)
