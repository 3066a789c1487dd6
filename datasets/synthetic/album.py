"""Writing rendered portraits as a person's folder: PNG files and a manifest, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from datasets.synthetic.parameters import FAMILIES, Family, values
from datasets.synthetic.renderer import BATCH, render
from mystyle.memory import keep_freed_memory
from mystyle.types import to_uint8

MANIFEST = "manifest.csv"


def header(family: Family) -> tuple[str, ...]:
    """The columns of a manifest: the parameters in which people of the family differ."""
    return ("file", "sha256", "split", "identity", *(p.name for p in FAMILIES[family]))


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
    folder: Path,
    split: str,
    identities: Sequence[str],
    scores: Tensor,
    resolution: int,
    family: Family,
    start: int = 0,
) -> list[list[object]]:
    """Renders scores [n, P] to ``folder/split/NNNNN.png``, numbered from ``start``; returns the manifest rows."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    rows: list[list[object]] = []
    for first in range(0, len(scores), BATCH):
        part = scores[first : first + BATCH]
        table = values(part)
        columns = torch.stack([table[p.name] for p in FAMILIES[family]], dim=1)
        for i, image in enumerate(to_uint8(render(part, resolution))):
            name = f"{split}/{start + first + i:05d}.png"
            data = encode_png(image)
            (folder / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            rows.append([name, digest, split, identities[first + i], *(f"{x:.6g}" for x in columns[i].tolist())])
    return rows


def write_manifest(folder: Path, rows: Sequence[Sequence[object]], family: Family) -> None:
    """``manifest.csv``: file, sha256, split, identity, then every parameter of the family in its unit."""
    with open(folder / MANIFEST, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header(family))
        writer.writerows(rows)
