"""Error of the true identity: traits read from an output beside those that the person was rendered with.

Only rendered people have known traits. Their identity is a hundred numbers (widths, lengths, colours, marks) that stay
the same in every photo; the judge reads them from an image, with an error of its own that real photos show.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable

SAME = 1e-3  # of a standard deviation of the population: float32 tables, written in decimals


def true_identity(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean over the traits of |read - true|, in standard deviations of the population.

    A trait is a parameter that all reference photos of the person in the photo share. Raises Inapplicable where there
    are no parameters.
    """
    moments = evaluation.domain.judge.moments
    known = evaluation.subject.parameters
    true = {}
    for name, (mean, std) in moments.items():
        if name in known:
            values = (known[name].double() - mean) / std
            if values.max() - values.min() < SAME:
                true[name] = float(values.mean())
    if not true or len(evaluation.subject) < 2:
        raise Inapplicable("the person's true traits are not known")
    read = evaluation.attributes("outputs")
    return torch.stack([(read[name] - value).abs() for name, value in true.items()]).mean(dim=0)


METRIC = Metric(
    name="true_identity",
    version=1,
    label="Trait error",
    description="Mean error of the person's true traits as the judge reads them (rendered people only).",
    higher_is_better=False,
    range=(0.0, None),
    unit="standard deviations of the population",
    network="judge",
    compute=true_identity,
)
