"""MAPS to photos that no method has seen: copying a reference photo wins nothing here."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.maps import maps


def maps_heldout(evaluation: Evaluation) -> Tensor:
    """``[n]``: similarity of each output to the most similar held-out photo, the output's own source left out.

    Its own source would win by the known pixels alone. Raises Inapplicable where the person has one held-out photo.
    """
    photos = len(evaluation.held_out)
    if photos < 2:
        raise Inapplicable("needs two held-out photos, because a case is not compared with its own source")
    outputs, references = evaluation.deep("outputs"), evaluation.deep("held_out")
    sources = [case.photo for case in evaluation.cases]
    result = outputs.new_empty(len(outputs))
    for source in dict.fromkeys(sources):
        rows = [i for i, other in enumerate(sources) if other == source]
        result[rows] = maps(outputs[rows], references[[j for j in range(photos) if j != source]])
    return result


METRIC = Metric(
    name="maps_heldout",
    version=1,
    label="MAPS, held-out",
    description="Maximal perceptual similarity to the other held-out photos, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=maps_heldout,
)
