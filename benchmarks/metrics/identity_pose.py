"""Identity similarity to single photos in the output's pose, where ``identity`` compares with the mean of all photos.

An image between the poses is nearer to the mean of a person's photos than a photo of any pose. Beside photos that look
the same way it is compared with what the person looks like from there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable

PHOTOS = 5  # so that a copy of one of them gains a fifth


def identity_pose(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean cosine to the ``PHOTOS`` reference photos (all, if fewer) whose yaw is nearest to the output's.

    An image that averages over what else varies still scores higher than a photo: read it beside the real photos' row.
    Raises Inapplicable where the judge does not read yaw.
    """
    if "yaw" not in evaluation.domain.judge.moments:
        raise Inapplicable("the judge does not read yaw")
    turned, turns = evaluation.attributes("outputs")["yaw"], evaluation.attributes("train")["yaw"]
    cosine = evaluation.identity("outputs") @ evaluation.identity("train").T
    nearest = (turned[:, None] - turns).abs().topk(min(PHOTOS, len(turns)), dim=1, largest=False).indices
    return torch.gather(cosine, 1, nearest).mean(dim=1)


METRIC = Metric(
    name="identity_pose",
    version=1,
    label="Identity, same pose",
    description="Mean cosine to the five reference photos of the nearest yaw, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=identity_pose,
)
