"""Sharpness beside the person's photos: blurred images are below one, noisy ones above."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric, Of
from mystyle.degradations import luma
from mystyle.types import Image


def sharpness(evaluation: Evaluation) -> Tensor:
    """``[n]``: mean |Laplacian| of the grey image over that of the reference photos in the mean."""
    return edges_of(evaluation, "outputs") / edges_of(evaluation, "train").mean()


def edges_of(evaluation: Evaluation, of: Of) -> Tensor:
    """``[n]``: ``edges`` of the outputs or of a set of photos."""
    found: Tensor = evaluation.once(("edges", of), lambda: evaluation.apply(edges, evaluation.images(of)))
    return found


def edges(images: Image) -> Tensor:
    """``[n, 3, h, w]`` to ``[n]``: the mean absolute response of the four-neighbour Laplacian."""
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).to(images)
    return F.conv2d(luma(images), kernel[None, None]).abs().mean(dim=(1, 2, 3))


METRIC = Metric(
    name="sharpness",
    version=1,
    label="Sharpness",
    description="Mean absolute Laplacian of the grey image over that of the reference photos; 1 is as sharp.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network=None,
    compute=sharpness,
)
