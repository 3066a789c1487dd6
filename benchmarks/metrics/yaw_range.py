"""The range of yaw over a photo's edits whose pose coordinate is set (II2S, section 4.4.1 and Table 4)."""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.tasks.coordinate import Coordinate


def yaw_range(evaluation: Evaluation) -> dict[str, float]:
    """``{photo: highest - lowest yaw read}`` in degrees. Raises Inapplicable where the pose has not several values."""
    doses = {case.dose for case in evaluation.cases}
    task, judge = evaluation.task, evaluation.domain.judge
    of_yaw = isinstance(task, Coordinate) and task.attribute == "yaw"
    if not of_yaw or len(doses) < 2 or "yaw" not in judge.moments:
        raise Inapplicable("no yaw was set to several values that the judge reads")
    read = evaluation.attributes("outputs")["yaw"] * judge.moments["yaw"][1]
    ranges = {}
    for file in dict.fromkeys(case.image for case in evaluation.cases):
        own = read[[case.image == file for case in evaluation.cases]]
        ranges[f"edits of {file}"] = float(own.max() - own.min())
    return ranges


METRIC = Metric(
    name="yaw_range",
    version=1,
    label="Yaw range",
    description="Highest less lowest yaw over the edits of a photo, as the judge reads it.",
    higher_is_better=True,
    range=(0.0, None),
    unit="degrees",
    network="judge",
    compute=yaw_range,
)
