"""Identity similarity by FaceNet, where its file is there: another judge of photographs, in no loss."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.identity import similarity

FILE = "facenet.safetensors"


def identity_facenet(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine to the person's template, as ``identity`` has it. Raises Inapplicable without the file."""
    from mystyle.chips import FACENET
    from mystyle.networks.facenet import FaceNet

    embeddings = partial(evaluation.embeddings, FILE, FaceNet, FACENET)
    return similarity(embeddings("outputs"), embeddings("train"))


METRIC = Metric(
    name="identity_facenet",
    version=1,
    label="Identity, FaceNet",
    description="Cosine to the mean identity embedding of the reference set, by FaceNet.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network=None,
    compute=identity_facenet,
    files=(FILE,),
)
