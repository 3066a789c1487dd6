"""Distance of the outputs' MAPS from that of real photos, from both sides."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric, Of
from benchmarks.metrics.maps import maps
from benchmarks.metrics.shifts import shift


def maps_shift(evaluation: Evaluation) -> dict[str, float]:
    """``{"all outputs": W_1}``: beside the photos that the outputs were made from, or else all held-out photos.

    Reference photos do not count beside each other: of one event several are in an album, and more alike than a new
    photo is to any of them. Raises Inapplicable where there is no held-out photo.
    """
    of: Of = "held_out" if evaluation.problem.clean is None else "clean"
    train = evaluation.deep("train")
    return shift(maps(evaluation.deep("outputs"), train), maps(evaluation.deep(of), train))


METRIC = Metric(
    name="maps_shift",
    version=1,
    label="MAPS, off real",
    description="Wasserstein distance of the MAPS of outputs and of real photos, below or above, on the judge.",
    higher_is_better=False,
    range=(0.0, 2.0),
    unit="",
    network="judge",
    compute=maps_shift,
)
