"""How far an edit moves its attribute (beside Table 1 of ELS): who changes nothing keeps everything."""

from __future__ import annotations

import torch

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.tasks.through_editor import INVERTED


def edit_change(evaluation: Evaluation) -> dict[str, float]:
    """``{case: change}`` from the inversion to its edit, in the direction of the edit, of cases with a single edit.

    In standard deviations of the population. Raises Inapplicable where there is no such case, or none that is read.
    """
    moments, after = evaluation.domain.judge.moments, evaluation.attributes("outputs")
    found = {}
    for i, case in enumerate(evaluation.cases):
        if len(case.edits) != 1 or case.edits[0][0] not in moments or not case.edits[0][1]:
            continue
        ((name, strength),) = case.edits
        before = evaluation.fact(INVERTED + name, "the inversion was not read")[i]
        change = after[name][i] - (before - moments[name][0]) / moments[name][1]
        found[f"{name} of {case.name}"] = float(change * torch.sign(torch.tensor(strength)))
    if not found:
        raise Inapplicable("no single attribute was edited that the judge reads")
    return found


METRIC = Metric(
    name="edit_change",
    version=1,
    label="Edit change",
    description="How far a single edit moves its attribute the way that it should, as the judge reads it.",
    higher_is_better=None,
    range=(None, None),
    unit="standard deviations of the population",
    network="judge",
    compute=edit_change,
)
