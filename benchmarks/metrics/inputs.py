"""The photos that outputs were made from, as a set beside the outputs. No metric itself."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation


def input_features(evaluation: Evaluation) -> Tensor:
    """The judge's features [m, d] of every photo that is the first or the second of a case, each once."""
    used = {case.photo for case in evaluation.cases} | {case.other for case in evaluation.cases}
    return evaluation.deep("held_out")[sorted(position for position in used if position is not None)]
