"""The benchmark's synthetic people, p01 to p13: the set sizes of the paper's Table 5, each a folder of PNG photos."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from datasets.splits import SYNTHETIC
from datasets.synthetic.album import whole_folder, write_manifest, write_photos
from datasets.synthetic.parameters import album_scores, person_scores

VERSION = 1  # raise when the renderer or the parameters change, so that old folders are not taken for new ones


def person_seed(name: str) -> int:
    """A seed that belongs to the name alone."""
    return int.from_bytes(hashlib.sha256(f"synthetic person {name}".encode()).digest()[:7], "big")


def identity_scores(name: str) -> Tensor:
    """The person's identity as normal scores [len(IDENTITY)]."""
    return person_scores(torch.Generator().manual_seed(person_seed(name)))[0]


def write_person(name: str, root: Path, resolution: int) -> Path:
    """Renders person ``name`` to ``root/NAME/{train,test}/*.png`` with a manifest, unless the folder is there.

    The folder is written whole or not at all. Raises KeyError for a name that is not p01 to p13.
    """
    sizes = next((person for person in SYNTHETIC if person.name == name), None)
    if sizes is None:
        raise KeyError(f"no synthetic person {name}; there are {', '.join(person.name for person in SYNTHETIC)}")
    folder = Path(root) / name
    if (folder / "manifest.csv").is_file():
        return folder
    generator = torch.Generator().manual_seed(person_seed(name))
    identity, habits = person_scores(generator)
    with whole_folder(folder) as work:
        rows = []
        for split, n in (("train", sizes.train), ("test", sizes.test)):
            scores = album_scores(identity, habits, n, generator)
            rows += write_photos(work, split, [name] * n, scores, resolution)
        write_manifest(work, rows)
    return folder
