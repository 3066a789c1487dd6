"""The improved-target score t of MAGEC (section 4.2): the gain in the probability of what an edit is for.

The probability after the edit less that of the inversion before it; of an attribute that was removed, its negative. It
lies in [-1, 1]; the text has [0, 1]. The paper's classifier is a network on CelebA's labels. Here it is the judge's
reading, turned into a probability as F's is (``mystyle.classifier``), so that no loss looks through it
where judge and reader are two networks (not on ``faces``).
"""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.tasks.through_editor import INVERTED
from mystyle.classifier import GAIN


def improved_target(evaluation: Evaluation) -> dict[str, float]:
    """``{attribute of a case: t}``, for every attribute that a case's edits change in all.

    Raises Inapplicable where none was that the judge reads, or the image before the edit is not known.
    """
    judge, wanted = evaluation.domain.judge, [changes(case.edits) for case in evaluation.cases]
    names = {name for change in wanted for name in change if INVERTED + name in evaluation.facts}
    if not names:
        raise Inapplicable("no attribute was changed that the judge reads")
    read = evaluation.attributes("outputs")
    found = {}
    for name in sorted(names):
        mean, std = judge.moments[name]
        before = (evaluation.facts[INVERTED + name] - mean) / std
        t = (GAIN * read[name]).sigmoid() - (GAIN * before).sigmoid()
        for case, change, value in zip(evaluation.cases, wanted, t.tolist(), strict=True):
            if name in change:
                found[f"{name} of {case.name}"] = value if change[name] > 0 else -value
    return found


def changes(edits: tuple[tuple[str, float], ...]) -> dict[str, float]:
    """The sum of the strengths of every attribute, without those that were undone."""
    sums: dict[str, float] = {}
    for name, strength in edits:
        sums[name] = sums.get(name, 0.0) + strength
    return {name: strength for name, strength in sums.items() if strength}


METRIC = Metric(
    name="improved_target",
    version=1,
    label="Improved target",
    description="Gain in the probability of the attribute that an edit is for, as the judge reads it.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=improved_target,
)
