"""Identity similarity by ArcFace's IR-SE50, where its file is there: another judge of photographs, in no loss."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.identity import similarity

FILE = "arcface.safetensors"


def identity_arcface(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine to the person's template, as ``identity`` has it. Raises Inapplicable without the file."""
    from mystyle.chips import ARCFACE
    from mystyle.networks.irse import ArcFace

    embeddings = partial(evaluation.embeddings, FILE, ArcFace, ARCFACE)
    return similarity(embeddings("outputs"), embeddings("train"))


METRIC = Metric(
    name="identity_arcface",
    version=1,
    label="Identity, ArcFace",
    description="Cosine to the mean identity embedding of the reference set, by ArcFace's IR-SE50.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network=None,
    compute=identity_arcface,
    files=(FILE,),
)
