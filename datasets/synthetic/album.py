"""Writing rendered portraits as a person's folder: PNG files and a manifest, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from datasets.synthetic.parameters import NAMES, values
from datasets.synthetic.renderer import BATCH, render
from mystyle.memory import keep_freed_memory
from mystyle.types import to_uint8

HEADER = ("file", "sha256", "split", "identity", *NAMES)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its name when the block ends well, and vanishes otherwise.

    If another process finished the same folder first, its result is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    work.chmod(0o755)
    try:
        yield work
        try:
            os.rename(work, folder)
        except OSError:
            if not (folder / "manifest.csv").is_file():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def work_alone() -> None:
    """Prepares a process for rendering beside others, one per core."""
    torch.set_num_threads(1)
    keep_freed_memory()


def encode_png(image: Tensor) -> bytes:
    """uint8 [3, h, w] as a PNG file."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, format="PNG")
    return buffer.getvalue()


def write_photos(
    folder: Path, split: str, identities: Sequence[str], scores: Tensor, resolution: int, start: int = 0
) -> list[list[object]]:
    """Renders scores [n, P] to ``folder/split/NNNNN.png``, numbered from ``start``; returns the manifest rows."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    rows: list[list[object]] = []
    for first in range(0, len(scores), BATCH):
        part = scores[first : first + BATCH]
        columns = torch.stack(list(values(part).values()), dim=1)
        for i, image in enumerate(to_uint8(render(part, resolution))):
            name = f"{split}/{start + first + i:05d}.png"
            data = encode_png(image)
            (folder / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            rows.append([name, digest, split, identities[first + i], *(f"{x:.6g}" for x in columns[i].tolist())])
    return rows


def write_manifest(folder: Path, rows: Sequence[Sequence[object]]) -> None:
    """``manifest.csv``: file, sha256, split, identity, then every parameter in its unit."""
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)
