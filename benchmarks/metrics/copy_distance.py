"""How near an output is to its nearest reference photo, beside new photos of the person (MyStyle C.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.copying import copying


def copy_distance(evaluation: Evaluation) -> Tensor:
    """``[n]``: perceptual distance to the nearest reference photo, over its mean for held-out photos.

    0 is a copy, 1 as far as a new photo of the person. Photos are blurred as much as the outputs are.
    """
    found = copying(evaluation)
    return found.outputs / found.new_photos.mean().clamp_min(torch.finfo(torch.float32).tiny)


METRIC = Metric(
    name="copy_distance",
    version=2,
    label="Nearest photo (1: as new)",
    description="Distance to the nearest reference photo over that of held-out photos, all as sharp as the outputs.",
    higher_is_better=None,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=copy_distance,
    norm=1.0,
)
