"""The realism score (Kynkaanniemi et al., 2019, section 5): how near an image is to the manifold of real ones.

    R(g) = max over r of radius(r) / ||g - r||

over the half of the real images with the smaller balls, since large ones lie where there are few images. From 1 on, g
lies in one of these balls. Distances are true ones; the published code has their squares, and so the square of R.

MAGEC does not name its real images. Here they are portraits of ``COUNT`` strangers of the domain, rendered on first
use: s5001 and so on, of whom no suite has as many. The larger the set, the smaller the balls, so that values compare
with those of the same set alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.manifolds import distances, radii
from datasets.synthetic.people import fresh_scores
from datasets.synthetic.renderer import BATCH, render
from mystyle.domains.domain import Domain
from mystyle.progress import report
from mystyle.types import as_written

VERSION = 1  # of the set
FIRST, COUNT = 5001, 500


def realism(evaluation: Evaluation) -> Tensor:
    """``[n]``. Raises Inapplicable where the domain's people are photographed."""
    if not evaluation.held_out.parameters:
        raise Inapplicable("real images without end can be had of rendered people alone")
    real = evaluation.once(("realism", COUNT), lambda: real_features(evaluation.domain, COUNT))
    return scores(evaluation.deep("outputs"), real)


def scores(points: Tensor, real: Tensor) -> Tensor:
    """R [n] of features [n, d] beside those [m, d] of real images; a point that is one of them has the highest, inf."""
    radius = radii(real)
    kept = radius <= radius.median()
    return torch.cat([(radius[kept] / apart).amax(dim=1) for apart in distances(points, real[kept])]).float()


def real_features(domain: Domain, count: int) -> Tensor:
    """The judge's features [count, d] of a portrait each of ``count`` strangers, rounded to 8 bits."""

    def compute() -> dict[str, Tensor]:
        names = [f"s{FIRST + i:04d}" for i in range(count)]
        drawn = torch.cat([fresh_scores(name, 1, seed=0) for name in names])
        parts = []
        with torch.inference_mode():
            for part in drawn.split(BATCH):
                images = as_written(render(part, domain.resolution))
                parts.append(domain.judge.deep(images.to(domain.device)).cpu())
                report("portraits of strangers", sum(map(len, parts)), count)
        return {"deep": torch.cat(parts)}

    found: Tensor = domain.fitted("realism", VERSION, {"first": FIRST, "count": count}, compute)["deep"]
    return found


METRIC = Metric(
    name="realism",
    version=1,
    label="Realism",
    description="Radius over distance of the best real neighbour, strangers' portraits, on the judge; real from 1 on.",
    higher_is_better=True,
    range=(0.0, None),
    unit="",
    network="judge",
    compute=realism,
)
