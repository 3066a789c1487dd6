"""Reads weights in TensorFlow.js's format: a JSON manifest that names tensors, and files with their raw bytes.

A manifest is a list of groups; a group's tensors lie one after the other in its ``paths``, little-endian, as float32 or
as uint8 with value = scale * q + min. The format is documented at https://www.tensorflow.org/js/guide/conversion.
Nothing is executed, and sizes are compared with the files before any memory is taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mystyle.checkpoints import naming
from mystyle.checkpoints.weights import CheckpointError
from mystyle.files import require_regular

MAX_MANIFEST = 1 << 20  # bytes; a network of 130 tensors has 20,000
MAX_BYTES = 1 << 26  # of all files of a manifest
MAX_TENSORS = 10_000
MAX_DIMENSIONS = 6


@dataclass(frozen=True)
class Entry:
    """One tensor of a manifest; ``scale`` and ``minimum`` are None where it is stored as float32."""

    name: str
    shape: tuple[int, ...]
    scale: float | None
    minimum: float | None

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * (4 if self.scale is None else 1)

    def decode(self, data: bytes) -> Tensor:
        """The tensor as float32, in memory of its own."""
        if self.scale is None or self.minimum is None:
            values = np.frombuffer(data, "<f4").astype(np.float32)
        else:  # in float64, as TensorFlow.js does it
            values = (np.frombuffer(data, np.uint8) * self.scale + self.minimum).astype(np.float32)
        if not np.isfinite(values).all():
            raise CheckpointError(f"has NaN or infinite weights ({self.name})")
        return torch.from_numpy(values).reshape(self.shape)


def read_tfjs(files: Mapping[str, Path], manifest: str) -> dict[str, Tensor]:
    """The tensors of a manifest by their names, as float32 in TensorFlow's layout.

    ``files`` maps the members of a package to files, ``manifest`` is one of the members; the files of weights are those
    that it names, beside it. Raises CheckpointError if a file is missing, damaged, cut short, or not finite.
    """
    path = find(files, manifest)
    tensors: dict[str, Tensor] = {}
    with naming(path):
        groups = read_manifest(path)
    for entries, names in groups:
        members = [find(files, str(PurePosixPath(manifest).parent / name)) for name in names]
        with naming(members[0]):
            data = read_bytes(members, sum(entry.nbytes for entry in entries))
            at = 0
            for entry in entries:
                tensors[entry.name] = entry.decode(data[at : at + entry.nbytes])
                at += entry.nbytes
    return tensors


def find(files: Mapping[str, Path], member: str) -> Path:
    """The file of a package's member. Raises CheckpointError if it is not there."""
    if member not in files or not files[member].is_file():
        raise CheckpointError(f"{member[:200]}: the package lacks this file; get the package again")
    return files[member]


def read_manifest(path: Path) -> list[tuple[list[Entry], list[str]]]:
    """The groups of a manifest: their tensors, and the names of their files."""
    require_regular(path)
    if path.stat().st_size > MAX_MANIFEST:
        raise CheckpointError(f"has more than {MAX_MANIFEST >> 20} MiB, so it is no weights manifest")
    try:
        groups = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"is not JSON ({error})") from error
    if not isinstance(groups, list):
        raise CheckpointError("is no weights manifest: a list of groups is expected")
    read = [(list(read_entries(group)), read_paths(group)) for group in groups]
    entries = [entry for group, _ in read for entry in group]
    if not entries or len(entries) > MAX_TENSORS or len({entry.name for entry in entries}) < len(entries):
        raise CheckpointError(f"is no weights manifest: {len(entries):,} tensors, or some of the same name")
    if sum(entry.nbytes for entry in entries) > MAX_BYTES:
        raise CheckpointError(f"promises more than {MAX_BYTES >> 20} MiB of weights")
    return read


def read_entries(group: Any) -> Iterator[Entry]:
    match group:
        case {"weights": list(weights)}:
            yield from map(read_entry, weights)
        case _:
            raise CheckpointError("is no weights manifest: a group has no list of weights")


def read_paths(group: Mapping[str, Any]) -> list[str]:
    """Plain file names: a manifest cannot point outside its folder."""
    paths = group.get("paths")
    if not isinstance(paths, list) or not paths or len(paths) > MAX_TENSORS:
        raise CheckpointError("is no weights manifest: a group has no list of paths")
    if odd := [p for p in paths if not isinstance(p, str) or PurePosixPath(p).name != p or p == ".."]:
        raise CheckpointError(f"names a file outside its folder ({str(odd[0])[:80]})")
    return paths


def read_entry(weight: Any) -> Entry:
    match weight:
        case {"name": str(name), "shape": list(shape), "dtype": "float32"} if 0 < len(name) <= 200:
            pass
        case _:
            raise CheckpointError(f"has a weight that is not a named float32 tensor ({str(weight)[:80]})")
    if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 < n <= MAX_BYTES for n in shape):
        raise CheckpointError(f"gives {name[:80]} a shape that no weight has")
    match weight.get("quantization"):
        case None:
            return Entry(name, tuple(shape), None, None)
        case {"dtype": "uint8", "scale": int() | float() as scale, "min": int() | float() as minimum} if math.isfinite(
            scale
        ) and math.isfinite(minimum):
            return Entry(name, tuple(shape), float(scale), float(minimum))
        case _:
            raise CheckpointError(f"stores {name[:80]} in a way other than float32 or uint8 with scale and minimum")


def read_bytes(paths: Sequence[Path], expected: int) -> bytes:
    """The bytes of several files in a row, if they are as many as expected."""
    for path in paths:
        require_regular(path)
    if (size := sum(path.stat().st_size for path in paths)) != expected:
        raise CheckpointError(f"has {size:,} bytes where its manifest promises {expected:,}; get the package again")
    return b"".join(path.read_bytes() for path in paths)
