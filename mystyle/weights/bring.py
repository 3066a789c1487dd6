"""Brings weight files: fetched or found, checked, read, and written to the cache as safetensors, whole or not at all.

What is fetched lies in ``HOME/downloads`` until all files of it are made, so that a command that was stopped, or whose
disk was full, need not fetch it again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mystyle.files import require_regular, sha256
from mystyle.progress import report
from mystyle.weights.cache import home, made_from, weight_file, write_record
from mystyle.weights.errors import WeightError, words
from mystyle.weights.manifest import Entry
from mystyle.weights.sources import find

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Outcome:
    """What became of some entries: one that was made, or those of one source that could not be."""

    entries: tuple[Entry, ...]
    made: bool
    message: str
    """what it was made from, or what went wrong and the way by hand"""


def bring(domain: str, entries: Iterable[Entry], folder: Path | None = None) -> Iterator[Outcome]:
    """Makes the files of ``entries`` in the cache, replacing what is there; goes on after one that cannot be made.

    With a ``folder`` of the user's, what is fetched elsewhere is taken from it by its name, and no network is used.
    """
    for group in by_source(entries):
        yield from bring_from_one(domain, group, folder)


def by_source(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Those that are made of one fetched file together, in the order of the first of each."""
    groups: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.source.title, entry.sha256), []).append(entry)
    return list(groups.values())


def bring_from_one(domain: str, entries: Sequence[Entry], folder: Path | None) -> Iterator[Outcome]:
    """The entries of one source."""
    first = entries[0]
    try:
        fetched = obtain(first, folder)
    except (WeightError, OSError) as error:
        yield failure(domain, entries, error)
        return
    keep = folder is not None
    for entry in entries:
        try:
            make(domain, entry, fetched)
        except (WeightError, OSError) as error:
            # a file that is known by its hash is not to blame, and another may not know what it is
            keep = keep or first.sha256 is not None or isinstance(error, OSError)
            yield failure(domain, [entry], error)
        else:
            known = "" if entry.sha256 else f"; its SHA-256, not known to us before, is {sha256(fetched)}"
            yield Outcome((entry,), True, f"made from {fetched.name}{known}")
    if not keep:
        fetched.unlink()


def failure(domain: str, entries: Sequence[Entry], error: WeightError | OSError) -> Outcome:
    if isinstance(error, OSError):
        return Outcome(tuple(entries), False, words(error))
    known = f" (SHA-256 {entries[0].sha256})" if entries[0].sha256 else ""
    way = f"{entries[0].source.by_hand}{known}, then python -m mystyle.weights {domain} --bring --from FOLDER"
    return Outcome(tuple(entries), False, f"{error}\nby hand: {way}")


def downloads() -> Path:
    """The folder of what was fetched and not yet made into weight files. Raises OSError."""
    folder = home() / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def obtain(entry: Entry, folder: Path | None) -> Path:
    """The fetched file of an entry, checked: the user's, one of an earlier command, or fetched now."""
    source = entry.source
    file = find(source, folder or downloads())
    if folder is not None:
        if file is None:
            raise WeightError(f"{folder} has no {' or '.join(dict.fromkeys(source.names))}")
        verify(file, entry)
        return file
    if file is not None:
        try:
            verify(file, entry)
            return file
        except WeightError:  # of a source that has changed since
            file.unlink()
    file = source.fetch(downloads(), entry.size)
    try:
        verify(file, entry)
    except WeightError:
        file.unlink()
        raise
    return file


def verify(file: Path, entry: Entry) -> None:
    """Raises WeightError unless the file has the size and the hash that the manifest knows."""
    require_regular(file)
    size = file.stat().st_size
    if entry.size is not None and size != entry.size:
        how = "cut short" if size < entry.size else "another file"
        raise WeightError(f"{file} has {size:,} bytes where {entry.size:,} are expected: it is {how}")
    if entry.sha256 is not None and (found := sha256(file)) != entry.sha256:
        raise WeightError(f"{file} is another file: its SHA-256 is {found}, expected {entry.sha256}")


def make(domain: str, entry: Entry, fetched: Path) -> None:
    """Reads a network out of a checked file, and writes it to the cache with its record."""
    from mystyle.checkpoints import save_network

    report(f"convert {entry.file}", 0, 0)
    path = weight_file(domain, entry.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=downloads()) as work:
        network = read(entry, fetched, Path(work))
        dtype = precision(network, entry)
        save_network(network, path, dtype)
    write_record(domain, entry.file, made_from(entry, fetched))
    report(f"convert {entry.file}", 1, 1)


def read(entry: Entry, fetched: Path, work: Path) -> nn.Module:
    """The network of an entry; ``work`` is for its members. Raises WeightError whatever is wrong with it."""
    members = entry.source.open(fetched, work)
    try:
        return entry.read(members)
    except Exception as error:  # readers meet files of any content
        text = str(error)
        for name, path in members.items():  # the user has never seen where they lie
            text = text.replace(str(path), name)
        named = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise WeightError(f"{fetched.name} cannot be read: {named}{text.strip() or 'no reason given'}") from error


def precision(network: nn.Module, entry: Entry) -> torch.dtype:
    """The type that the weights are kept in. Raises WeightError if it cannot hold them, or they are not numbers."""
    import torch

    dtype = torch.float16 if entry.half else torch.float32
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not tensor.to(dtype).isfinite().all():
            raise WeightError(
                f"its weights {name} are not finite, or too large for {str(dtype).removeprefix('torch.')}"
            )
    return dtype
