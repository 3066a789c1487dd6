"""Identity similarity: how near an output is to who the person is, whatever the photo."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric


def identity(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine between each output's identity embedding and the person's template.

    The template is the normalised mean of the reference photos' unit embeddings, as usual for face verification from
    several photos. It differs from the mean of the cosines by one factor per person, the length of that mean, so it
    ranks outputs alike, and a person whose photos vary is not scored lower for it.
    """
    return similarity(evaluation.identity("outputs"), evaluation.identity("train"))


def similarity(embeddings: Tensor, of_photos: Tensor) -> Tensor:
    """Cosines [n] of unit ``embeddings`` [n, e] to the template of a person's photos [m, e]."""
    return embeddings @ F.normalize(of_photos.mean(dim=0), dim=0)


METRIC = Metric(
    name="identity",
    version=1,
    label="Identity",
    description="Cosine to the mean identity embedding of the reference set, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=identity,
)
