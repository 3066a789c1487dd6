"""Distance of the outputs' identity similarities from those of real photos, from both sides."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.identity import similarity
from benchmarks.metrics.shifts import shift


def identity_shift(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": W_1}``: beside the photos that the outputs were made from, or else all photos of the person.

    Of reference photos it is the cosine to the template of the others; held-out photos count as they are. Raises
    Inapplicable for samples of a person with one reference photo.
    """
    train = evaluation.identity("train")
    if evaluation.problem.clean is not None:
        real = similarity(evaluation.identity("clean"), train)
    else:
        real = others_similarity(train)
        if len(evaluation.held_out):
            real = torch.cat([real, similarity(evaluation.identity("held_out"), train)])
    return shift(similarity(evaluation.identity("outputs"), train), real)


def others_similarity(embeddings: Tensor) -> Tensor:
    """Cosines [n] of each of the unit ``embeddings`` [n, e] to the template of all others."""
    if len(embeddings) < 2:
        raise Inapplicable("needs two reference photos")
    return (embeddings * F.normalize(embeddings.sum(dim=0) - embeddings, dim=1)).sum(dim=1)


METRIC = Metric(
    name="identity_shift",
    version=1,
    label="Identity, off real",
    description="Wasserstein distance of the identities of outputs and of real photos, below or above, on the judge.",
    higher_is_better=False,
    range=(0.0, 2.0),
    unit="",
    network="judge",
    compute=identity_shift,
)
