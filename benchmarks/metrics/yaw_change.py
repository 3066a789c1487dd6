"""How far an edit turns the head (PTI, Table 2; II2S, section 4.4.1): at one strength, more is more editable."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable

FACT = "inverted_yaw"  # what tasks that edit inversions tell of the image before the edit


def yaw_change(evaluation: Evaluation) -> dict[str, float]:
    """``{case: |yaw after the edit - yaw of the inversion|}`` in degrees, of the cases whose yaw was edited.

    Small changes drown in the reader's error. Raises Inapplicable where no yaw was edited.
    """
    if FACT not in evaluation.facts:
        raise Inapplicable("no yaw was edited that the judge reads")
    mean, std = evaluation.domain.judge.moments["yaw"]
    change = (evaluation.attributes("outputs")["yaw"] * std + mean - evaluation.facts[FACT]).abs().tolist()
    of_task = getattr(evaluation.task, "attribute", "") == "yaw"
    cases = zip(evaluation.cases, change, strict=True)
    return {f"yaw of {case.name}": value for case, value in cases if of_task or "yaw" in dict(case.edits)}


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
