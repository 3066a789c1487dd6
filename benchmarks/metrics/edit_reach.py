"""How much of the wanted range of an attribute the edits of a photo span."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.edit_error import edited


def edit_reach(evaluation: Evaluation) -> dict[str, float]:
    """``{photo: (highest - lowest attribute read) / (highest - lowest wanted)}``."""
    name = edited(evaluation)
    _, std = evaluation.domain.judge.moments[name]
    read = evaluation.attributes("outputs")[name] * std
    reach = {}
    for file in dict.fromkeys(case.image for case in evaluation.cases):
        rows = [i for i, case in enumerate(evaluation.cases) if case.image == file]
        wanted = [dose for i in rows if (dose := evaluation.cases[i].dose) is not None]
        reach[f"edits of {file}"] = float(read[rows].max() - read[rows].min()) / (max(wanted) - min(wanted))
    return reach


METRIC = Metric(
    name="edit_reach",
    version=1,
    label="Reach",
    description="Range of the edited attribute over a photo's edits, as a share of the range that was wanted.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=edit_reach,
)
