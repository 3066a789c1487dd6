"""Photos inverted together and one by one: ``python -m benchmarks.speed --what inversions``.

Rows of a batch have variables of their own, so that what is found must not depend on how many descend at once, beyond
rounding; that it does not is measured beside the time.
"""

from __future__ import annotations

import pandas as pd
import torch

from benchmarks.api.lengths import lengths, with_lengths
from benchmarks.api.registry import METHODS
from benchmarks.speed.method import AT_ONCE, rendered, timed
from datasets.folders import read_portraits
from datasets.synthetic.people import strangers
from mystyle.domains import load_domain
from mystyle.domains.domain import Domain
from mystyle.inversion import Inversion
from mystyle.memory import keep_freed_memory
from mystyle.protocols import Inverts
from mystyle.types import Image, Portraits

ALONE = 4  # of the photos are inverted one by one


def measure(steps: int, preset: str, device: str) -> pd.DataFrame:
    """A row for every method that embeds single photos by a descent, with ``steps`` in place of the preset's.

    Methods that need a network of their own, whose descents others have, are left out.
    """
    keep_freed_memory()
    domain = load_domain("synthetic", device)
    x = photos(domain)
    rows = []
    for name in METHODS.names():
        method = METHODS.load(name)
        settings = method.presets[preset]
        descends = lengths(settings)
        if method.personal or method.networks or "invert" not in method.does or not descends:
            continue
        settings = with_lengths(settings, dict.fromkeys(descends, steps))
        prior = method.fit(Portraits("nobody", x[:0], (), ()), domain, seed=0, settings=settings)
        rows.append({"method": name, **compared(prior, x)})
    return pd.DataFrame(rows)


def compared(prior: Inverts, x: Image) -> dict[str, float]:
    """Seconds a photo, together and one by one, and how far the results of the first ``ALONE`` photos are apart."""
    prior.invert(x[:1], seeds=[0])  # what the domain is measured for, once
    together, all_time = timed(lambda: prior.invert(x, seeds=range(len(x))))
    single, one_time = timed(lambda: [prior.invert(x[i : i + 1], seeds=[i]) for i in range(ALONE)])
    return {
        "together_s": all_time / len(x),
        "one_by_one_s": one_time / ALONE,
        "ratio": one_time / ALONE / (all_time / len(x)),
        **differences(together, single),
    }


def differences(together: Inversion, single: list[Inversion]) -> dict[str, float]:
    """Of images, on [-1, 1], and of the last objectives, relative."""
    n = len(single)
    away = (together.images[:n] - torch.cat([one.images for one in single])).abs().mean(dim=(1, 2, 3))
    objective = torch.cat([one.losses for one in single])[:, -1:]
    relative = (together.losses[:n, -1:] / objective - 1).abs()
    return {"difference": float(away.max()), "difference_of_objectives": float(relative.max())}


def photos(domain: Domain) -> Image:
    """One of each of the first strangers."""
    names = strangers(AT_ONCE)
    root = rendered(names, domain)
    portraits = [read_portraits(root / name, "test", domain.resolution) for name in names]
    return torch.cat([p.images for p in portraits]).to(domain.device)
