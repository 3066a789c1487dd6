"""What several tests share: a small random domain, and people rendered from arithmetic."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from mystyle.domains.domain import Domain

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that fight for cores are slower than those of one thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

RESOLUTION = 32  # of tiny.tiny_domain

DrawPerson = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    """Random networks of 32 x 32, with the methods' own in a folder; nothing is trained. Read only: tests share it."""
    import tiny

    return tiny.tiny_domain(folder=tmp_path_factory.mktemp("tiny"))


def draw_face(person: str, index: int, resolution: int = RESOLUTION) -> np.ndarray:
    """uint8 ``[resolution, resolution, 3]``: an oval with eyes and a mouth, coloured by person and moved by index."""
    rng = np.random.default_rng(list(hashlib.sha256(f"{person} {index}".encode()).digest()[:8]))
    tint = np.array(list(hashlib.sha256(person.encode()).digest()[:3])) / 255
    c = (np.arange(resolution) + 0.5) / resolution
    x, y = np.meshgrid(c + rng.uniform(-0.03, 0.03), c + rng.uniform(-0.03, 0.03))
    face = (((x - 0.5) / 0.3) ** 2 + ((y - 0.55) / 0.4) ** 2 < 1)[..., None]
    image = np.where(face, 0.3 + 0.6 * tint, 0.2 + 0.5 * rng.uniform(size=3)) * (0.8 + 0.4 * x[..., None])
    for cx, cy, r in ((0.36, 0.47, 0.06), (0.64, 0.47, 0.06), (0.5, 0.72, 0.08)):
        image[(x - cx) ** 2 + (y - cy) ** 2 < r**2] = 0.1
    return (image.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def draw_person() -> DrawPerson:
    """``draw_person(root, name, train, test, resolution)`` writes a person's folder of PNG files and returns it."""

    def draw(root: Path, name: str, train: int = 5, test: int = 3, resolution: int = RESOLUTION) -> Path:
        for split, n in (("train", train), ("test", test)):
            (root / name / split).mkdir(parents=True)
            for i in range(n):
                face = draw_face(name, i + 1000 * (split == "test"), resolution)
                Image.fromarray(face).save(root / name / split / f"{i:03d}.png")
        return root / name

    return draw


@pytest.fixture(scope="session")
def people_root(tmp_path_factory: pytest.TempPathFactory, draw_person: DrawPerson) -> Path:
    """A folder with two people of five train and three test photos. Read only: tests share it."""
    root = tmp_path_factory.mktemp("people")
    for name in ("alice", "bob"):
        draw_person(root, name)
    return root
