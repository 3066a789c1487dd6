"""How far an edit turns the head (PTI, Table 2; II2S, section 4.4.1): at one strength, more is more editable."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.tasks.same_magnitude import SameMagnitude
from benchmarks.tasks.through_editor import INVERTED


def yaw_change(evaluation: Evaluation) -> dict[str, float]:
    """``{case: |yaw after the edit - yaw of the inversion|}`` in degrees, of the cases whose yaw was changed.

    Small changes drown in the reader's error. Raises Inapplicable where no yaw was changed, or was set to a value.
    """
    searched = isinstance(evaluation.task, SameMagnitude) and evaluation.task.attribute == "yaw"
    turned = [searched or "yaw" in dict(case.edits) for case in evaluation.cases]
    lacking = "no yaw was changed that the judge reads"
    before = evaluation.fact(INVERTED + "yaw", lacking)
    if not any(turned):
        raise Inapplicable(lacking)
    mean, std = evaluation.domain.judge.moments["yaw"]
    change = (evaluation.attributes("outputs")["yaw"] * std + mean - before).abs().tolist()
    cases = zip(evaluation.cases, change, turned, strict=True)
    return {f"yaw of {case.name}": value for case, value, there in cases if there}


METRIC = Metric(
    name="yaw_change",
    version=1,
    label="Yaw change",
    description="How far edits of the pose turn the inversion, as the judge reads it.",
    higher_is_better=None,
    range=(0.0, None),
    unit="degrees",
    network="judge",
    compute=yaw_change,
)
