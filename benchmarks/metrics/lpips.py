"""LPIPS (Zhang et al., 2018) on AlexNet, where its file is there and losses look through another network."""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric

FILE = "lpips.safetensors"


def lpips(evaluation: Evaluation) -> Tensor:
    """``[n]``: LPIPS between output and clean photo, on images as they are. Raises Inapplicable without the file."""
    from mystyle.networks.lpips import LPIPS

    return evaluation.apply(evaluation.network(FILE, LPIPS), evaluation.outputs, evaluation.clean)


METRIC = Metric(
    name="lpips",
    version=1,
    label="LPIPS",
    description="LPIPS to the clean photo, which no loss uses.",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network=None,
    compute=lpips,
    files=(FILE,),
)
