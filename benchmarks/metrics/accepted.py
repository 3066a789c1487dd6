"""Accepted as the person: verification at a fixed rate of false accepts, as recognisers of faces are used.

Being nearer to the mean of a person's photos than any photo is wins nothing here: beyond the threshold, all is one.
"""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.impostors import claimed, strangers
from mystyle.strangers import FILE

STRANGERS_PER_FALSE_ACCEPT = 1000


def accepted(evaluation: Evaluation) -> Tensor:
    """``[n]``: 1 where the cosine to the person's template is above the person's own threshold, else 0.

    Of m strangers, floor(m / 1000) are above it and would be accepted as this person. So the threshold takes in how
    many photos the template is of, and how common the face is. Raises Inapplicable for fewer than 1000 strangers.
    """
    people, who = strangers(evaluation), claimed(evaluation)
    falsely = len(people) // STRANGERS_PER_FALSE_ACCEPT
    if falsely < 1:
        raise Inapplicable(f"{len(people)} strangers are too few for a threshold at 0.1 % false accepts")
    threshold = (who @ people.T).topk(falsely + 1, dim=1).values[:, -1]
    return ((evaluation.identity("outputs") * who).sum(dim=1) > threshold).float()


METRIC = Metric(
    name="accepted",
    version=1,
    label="Accepted",
    description="Share of outputs that the judge accepts as the person at 0.1 % false accepts of strangers.",
    higher_is_better=True,
    range=(0.0, 1.0),
    unit="",
    network="judge",
    compute=accepted,
    files=(FILE,),
)
