"""Identities of strangers for a domain (``mystyle.strangers``), from portraits of theirs or from the generator.

Samples of the generator are nobody, so that no real person's embedding need be kept. They are a little less like a real
person than other real people are: where a threshold lets 0.1 % of MobileStyleGAN's samples pass, 0.2 % of the people
of Labeled Faces in the Wild do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.identity import identities_of
from mystyle.pretrain.data import read_album
from mystyle.pretrain.settings import StrangerSettings
from mystyle.progress import report
from mystyle.strangers import FILE, write_strangers
from mystyle.types import Image, as_written

BATCH = 16


def make(domain: Domain, out: Path, data: Path | None, settings: StrangerSettings, seed: int) -> dict[str, float]:
    """Writes ``out/strangers.safetensors``; returns what a card should say of how alike strangers are.

    Raises ValueError where ``data`` holds too few people.
    """
    portraits = samples(domain, settings.count, seed) if data is None else first_photos(data, settings.count)
    parts: list[Tensor] = []
    for part in portraits:
        parts.append(identities_of(domain, part))
        report("strangers", sum(map(len, parts)), settings.count)
    found = torch.cat(parts)
    source = f"samples of domain {domain.name}, seed {seed}" if data is None else "one portrait of each person"
    write_strangers(out / FILE, found, domain.judge, source)
    pairs = (found @ found.T)[torch.ones(len(found), len(found)).triu(1).bool()].sort().values
    return {
        "strangers": len(found),
        "mean_cosine_of_two": float(pairs.mean()),
        "cosine_of_two_at_0.1%": float(pairs[-1 - len(pairs) // 1000]),
    }


def samples(domain: Domain, count: int, seed: int) -> Iterator[Image]:
    """``count`` samples without truncation, rounded to 8 bits, in batches; the seed decides all their codes."""
    z = torch.randn(count, domain.generator.z_dim, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        for part in z.split(BATCH):
            yield as_written(domain.generator(part.to(domain.device), noise="const"))


def first_photos(data: Path, count: int) -> Iterator[Image]:
    """The first photo of each of the first ``count`` people of a folder (``read_album``), in batches."""
    album = read_album(data)
    first = {person: row for row, person in reversed(list(enumerate(album.identities.tolist())))}
    if len(first) < count:
        raise ValueError(f"--data {data}: {len(first)} people, {count} are wanted (--settings.count)")
    rows = torch.tensor(sorted(first.values())[:count])
    return (album.batch(part) for part in rows.split(BATCH))
