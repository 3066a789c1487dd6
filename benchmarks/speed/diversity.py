"""The speed of the metrics of large sets: ``python -m benchmarks.speed --what diversity``.

The papers' diversity compares every sample with every reference photo and all pairs within a cluster. Timed on as many
images as MyStyle takes, ten thousand, and beside the same by pairs on few images.
"""

from __future__ import annotations

import time
from itertools import combinations

import pandas as pd
import torch
from torch import Tensor

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Problem
from benchmarks.metrics.neighbours import nearest
from benchmarks.tasks.synthesis import Synthesis
from mystyle.domains import load_domain

MANY, FEW = 10_000, 60


def measure(photos: int, device: str) -> pd.DataFrame:
    """Seconds for ``MANY`` random images and ``photos`` photos, and for ``FEW`` by both ways with their difference."""
    domain = load_domain("synthetic", device)

    def row(way: str, n: int, photos: int) -> tuple[dict[str, object], Tensor]:
        images, references = (smooth(count, domain.resolution, seed) for seed, count in enumerate((n, photos)))
        e = Evaluation(images, Synthesis(), Problem(), (), None, None, None, domain)  # type: ignore[arg-type]
        began = time.perf_counter()
        spread = nearest(e, images, references).spread if way == "embeddings" else by_pairs(e, images, references)
        return {"way": way, "images": n, "photos": photos, "seconds": time.perf_counter() - began}, spread

    many, _ = row("embeddings", MANY, photos)
    few, spread = row("embeddings", FEW, min(photos, 8))
    pairs, expected = row("pair by pair", FEW, min(photos, 8))
    difference = float((spread - expected).abs().nan_to_num().max())
    return pd.DataFrame([many, few, {**pairs, "largest_difference": difference}])


def smooth(n: int, size: int, seed: int) -> Tensor:
    """Smooth random images, uint8 [n, 3, size, size]."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (n, 3, 8, 8), generator=draws, dtype=torch.uint8)
    return coarse.repeat_interleave(size // 8, dim=2).repeat_interleave(size // 8, dim=3)


@torch.no_grad()
def by_pairs(e: Evaluation, images: Tensor, photos: Tensor) -> Tensor:
    """Of each photo's cluster the mean distance of all pairs, [N], NaN where there is none."""
    distance = e.domain.perceptual
    to = torch.stack([e.apply(distance, images, one.expand_as(images)) for one in photos[:, None]])
    cluster = to.argmin(dim=0)
    spread = torch.full((len(photos),), torch.nan)
    for k in range(len(photos)):
        pairs = list(combinations((cluster == k).nonzero().flatten().tolist(), 2))
        if pairs:
            a, b = (images[list(side)] for side in zip(*pairs, strict=True))
            spread[k] = e.apply(distance, a, b).mean()
    return spread
