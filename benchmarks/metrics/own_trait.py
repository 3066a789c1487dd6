"""How much of a trait of the person's own an output shows, read from the pixels against two rendered truths.

With x the output, a the portrait as it should be and b the same without the trait, it is <x - b, a - b> / ||a - b||^2,
the coordinate of x on the line from b to a: 1 shows the trait whole, 0 what people without it would have there. It is
taken where the two differ and about it, which is the hole where something was filled in. Of an edited smile a is the
photo's portrait rendered with as much of a smile as the judge reads in the edit.
"""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.tasks.own_traits import SEEN, ShowsOwnTrait, hole

LEAST = 1e-3  # share of the image in which a trait must be seen: 4 x 4 of 128 x 128 pixels


def own_trait(evaluation: Evaluation) -> dict[str, float]:
    """``{case whose portrait shows the trait: value}``. Raises Inapplicable where none does, and for other tasks."""
    if not isinstance(evaluation.task, ShowsOwnTrait):
        raise Inapplicable("the task is about no trait of the person's own")

    def read(name: str) -> Tensor:
        mean, std = evaluation.domain.judge.moments[name]
        return mean + std * evaluation.attributes("outputs")[name]

    a, b = evaluation.task.with_and_without(evaluation.held_out, evaluation.cases, read)
    whole = a - b
    line = (whole * hole(whole)).flatten(1)
    along = ((evaluation.outputs - b).flatten(1) * line).sum(dim=1) / line.square().sum(dim=1)
    seen = (whole.abs().amax(dim=1) > SEEN).to(whole).mean(dim=(1, 2)) >= LEAST
    if not seen.any():
        raise Inapplicable("no portrait shows the trait")
    values = zip(evaluation.cases, along.tolist(), seen.tolist(), strict=True)
    return {case.name: value for case, value, shows in values if shows}


METRIC = Metric(
    name="own_trait",
    version=3,
    label="Own trait shown",
    description="Share of the person's own trait in the output: 1 as the person has it, 0 as people without it.",
    higher_is_better=True,
    range=(None, None),
    unit="",
    network=None,
    compute=own_trait,
)
