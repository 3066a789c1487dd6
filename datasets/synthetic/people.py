"""The benchmark's synthetic people, p01 to p13: the set sizes of the paper's Table 5, each a folder of PNG photos.

They are of the wide family: each has features, marks and a smile that nobody has in the narrow family, on which the
domain's generator is trained. That is what a method has to learn about a person.

``train/`` and ``test/`` have the paper's sizes. ``extra/`` completes the held-out photos to the twenty on which the
paper measures its dataset-size curves (Fig. 7). Strangers, s0001 and so on, are other people of the same family with
one photo each, ``test/``, and no reference set. Development people, d01 and so on, have one: settings are chosen on
them, and no suite takes them by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from datasets.splits import SYNTHETIC, Person, is_development, is_stranger
from datasets.synthetic.album import MANIFEST, work_alone, write_manifest, write_photos
from datasets.synthetic.parameters import Family, album_scores, person_scores
from mystyle.files import whole_folder

VERSION = 4  # raise when the renderer or the parameters change, so that old folders are not taken for new ones
FAMILY: Family = "wide"
LAST_STRANGER = 9999  # four digits
HELD_OUT = 20  # photos of test and extra together, at least
DEVELOPMENT = 100, HELD_OUT  # photos of train and test of a development person


def person_seed(name: str) -> int:
    """A seed that belongs to the name alone."""
    return int.from_bytes(hashlib.sha256(f"synthetic person {name}".encode()).digest()[:7], "big")


def known_scores(name: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Identity and habits of person ``name``, as ``person_scores``; ``generator`` is seeded and left to the photos."""
    generator.manual_seed(person_seed(name))
    return person_scores(generator, torch.Generator().manual_seed(person_seed(f"{name}, distinctive")))


def identity_scores(name: str) -> Tensor:
    """The person's identity as normal scores [len(IDENTITY)]."""
    return known_scores(name, torch.Generator())[0]


def fresh_scores(name: str, count: int, seed: int) -> Tensor:
    """Scores [count, P] of photos of person ``name`` that are in no split: the album's distribution, another seed."""
    identity, habits = known_scores(name, torch.Generator())
    return album_scores(identity, habits, count, torch.Generator().manual_seed(seed))


def set_sizes(person: Person) -> dict[str, int]:
    """Photos of each split; a person whose test set is large enough has no extra photos, a stranger one photo."""
    if not person.train:
        return {"test": person.test}
    extra = HELD_OUT - person.test
    return {"train": person.train, "test": person.test} | ({"extra": extra} if extra > 0 else {})


def strangers(count: int) -> tuple[str, ...]:
    """The names of the first ``count`` strangers."""
    return tuple(f"s{i:04d}" for i in range(1, count + 1))


def write_person(name: str, root: Path, resolution: int) -> Path:
    """Renders person ``name`` to ``root/NAME/{train,test,extra}/*.png`` with a manifest, unless the folder is there.

    The folder is written whole or not at all. Raises KeyError for a name of nobody.
    """
    person = _known(name)
    folder = Path(root) / name
    if (folder / "manifest.csv").is_file():
        return folder
    generator = torch.Generator()
    identity, habits = known_scores(name, generator)
    with whole_folder(folder, MANIFEST) as work:
        rows = []
        for split, n in set_sizes(person).items():
            scores = album_scores(identity, habits, n, generator)
            rows += write_photos(work, split, [name] * n, scores, resolution, FAMILY)
        write_manifest(work, rows, FAMILY)
    return folder


def write_people(names: Sequence[str], root: Path, resolution: int, workers: int) -> Iterator[str]:
    """``write_person`` for each name in ``workers`` processes; yields the names as they are done.

    Raises KeyError at the first step, before anything is rendered, if a name is unknown.
    """
    largest_first = sorted(names, key=lambda name: -_known(name).train)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=work_alone) as pool:
        tasks = {pool.submit(write_person, name, root, resolution): name for name in largest_first}
        try:
            for task in as_completed(tasks):
                task.result()
                yield tasks[task]
        except BaseException:
            pool.shutdown(cancel_futures=True)  # raise without rendering the rest
            raise


def _known(name: str) -> Person:
    for person in SYNTHETIC:
        if person.name == name:
            return person
    if is_stranger(name):
        return Person(name, f"Stranger {name[1:]}", train=0, test=1)
    if is_development(name):
        return Person(name, f"Development person {name[1:]}", *DEVELOPMENT)
    raise KeyError(f"no synthetic person {name}; there are {', '.join(person.name for person in SYNTHETIC)}")
