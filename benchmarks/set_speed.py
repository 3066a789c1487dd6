"""How fast the metrics of large sets are: ``benchmarks.speed --what diversity``.

The papers' diversity wants every sample beside every reference photo and every pair within a cluster. Timed on as many
pictures as MyStyle takes, ten thousand, against ``photos`` reference photos, beside the same on few pictures by pairs.
"""

from __future__ import annotations

import time
from itertools import combinations

import torch

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Problem
from benchmarks.metrics.neighbours import nearest
from mystyle.domains import load_domain
from mystyle.domains.domain import Domain

PICTURES, FEW = 10_000, 60


def run(photos: int, device: str) -> None:
    """Prints the seconds for ten thousand random pictures and ``photos`` photos, and the largest error on a few."""
    from rich.console import Console
    from rich.table import Table

    domain = load_domain("synthetic", device)
    seconds = timed(domain, PICTURES, photos)
    few, by_pairs, error = compared(domain, min(photos, 8))
    table = Table(title=f"diversity at {domain.resolution} px")
    for column in ("", "pictures", "photos", "seconds", "largest difference"):
        table.add_column(column, justify="right")
    table.add_row("as sums of embeddings", f"{PICTURES}", f"{photos}", f"{seconds:.1f}", "")
    table.add_row("as sums of embeddings", f"{FEW}", f"{min(photos, 8)}", f"{few:.2f}", "0")
    table.add_row("pair by pair", f"{FEW}", f"{min(photos, 8)}", f"{by_pairs:.2f}", f"{error:.1e}")
    Console().print(table)


def pictures(n: int, size: int, seed: int) -> torch.Tensor:
    """Smooth random pictures, uint8 [n, 3, size, size]."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (n, 3, 8, 8), generator=draws, dtype=torch.uint8)
    return coarse.repeat_interleave(size // 8, dim=2).repeat_interleave(size // 8, dim=3)


def evaluation(domain: Domain, pixels: torch.Tensor) -> Evaluation:
    return Evaluation(pixels, Problem(), (), None, None, None, domain)


def timed(domain: Domain, n: int, photos: int) -> float:
    """Seconds from pictures to the spreads of all clusters."""
    images, references = (pictures(count, domain.resolution, seed) for seed, count in enumerate((n, photos)))
    began = time.perf_counter()
    nearest(evaluation(domain, images), images, references)
    return time.perf_counter() - began


def compared(domain: Domain, photos: int) -> tuple[float, float, float]:
    """Seconds of both ways on a few pictures, and the largest difference of a cluster's spread."""
    images, references = (pictures(count, domain.resolution, seed) for seed, count in enumerate((FEW, photos)))
    e = evaluation(domain, images)
    began = time.perf_counter()
    found = nearest(e, images, references)
    ours = time.perf_counter() - began

    began = time.perf_counter()
    with torch.no_grad():
        to = torch.stack([e.apply(domain.perceptual, images, one.expand_as(images)) for one in references[:, None]])
        cluster = to.argmin(dim=0)
        spread = torch.full((photos,), torch.nan)
        for k in range(photos):
            pairs = list(combinations((cluster == k).nonzero().flatten().tolist(), 2))
            if pairs:
                a, b = (images[list(side)] for side in zip(*pairs, strict=True))
                spread[k] = e.apply(domain.perceptual, a, b).mean()
    theirs = time.perf_counter() - began
    return ours, theirs, float((spread - found.spread).abs().nan_to_num().max())
