"""Populations to train the synthetic domain's networks on, without the benchmark's people.

The narrow family is what generators and encoders are shown; networks that judge see the wide one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from datasets.splits import SYNTHETIC
from datasets.synthetic.album import MANIFEST, work_alone, write_manifest, write_photos
from datasets.synthetic.parameters import COMMON, Family, album_scores, person_scores
from datasets.synthetic.people import identity_scores
from mystyle.files import whole_folder

DISTANCE = 4.0  # of common identity scores; two random people are about sqrt(2 * 49) = 9.9 apart
DISTINCTIVE_SEED = 1 << 32  # before the population's own
IDENTITIES_PER_TASK = 8


def population(identities: int, photos: int, seed: int, family: Family) -> Iterator[tuple[str, Tensor]]:
    """(identity, scores [photos, P]) of people at least ``DISTANCE`` from everyone in the benchmark.

    With one seed, both families have the same people but for what is distinctive.
    """
    shared = slice(len(COMMON))
    excluded = torch.stack([identity_scores(person.name)[shared] for person in SYNTHETIC])
    generator = torch.Generator().manual_seed(seed)
    distinctive = torch.Generator().manual_seed(DISTINCTIVE_SEED + seed) if family == "wide" else None
    number = 0
    while number < identities:
        identity, habits = person_scores(generator, distinctive)
        scores = album_scores(identity, habits, photos, generator)
        if (excluded - identity[shared]).norm(dim=1).min() >= DISTANCE:
            yield f"i{number:05d}", scores
            number += 1


def _render(task: tuple[Path, list[str], Tensor, int, Family, int]) -> list[list[object]]:
    folder, names, scores, resolution, family, start = task
    return write_photos(folder, "train", names, scores, resolution, family, start)


def write_population(
    folder: Path, identities: int, photos: int, resolution: int, seed: int, workers: int, family: Family
) -> Iterator[int]:
    """Renders the population into ``folder`` with ``workers`` processes; yields the number of photos done so far."""
    with whole_folder(folder, MANIFEST) as work:
        people = list(population(identities, photos, seed, family))
        tasks = []
        for first in range(0, identities, IDENTITIES_PER_TASK):
            group = people[first : first + IDENTITIES_PER_TASK]
            names = [name for name, _ in group for _ in range(photos)]
            tasks.append((work, names, torch.cat([scores for _, scores in group]), resolution, family, first * photos))
        rows: list[list[object]] = []
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=work_alone) as pool:
            for part in pool.map(_render, tasks):
                rows += part
                yield len(rows)
        write_manifest(work, rows, family)
