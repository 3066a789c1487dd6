"""From the bytes of a weight file to what its pickle holds, whichever container they came in.

Three containers: a plain pickle (NVIDIA), torch.save's zip archive, and torch.save's older sequence of pickles followed
by raw storages, which plain pickles also have inside, one for every storage. Their content tells which it is.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mystyle.checkpoints.archive import Archive
from mystyle.checkpoints.inert import STORAGE_TYPES, Storage, names, octets, storage_names
from mystyle.checkpoints.unpickle import Budget, Machine, Name, Table
from mystyle.checkpoints.weights import CheckpointError

Container = Literal["safetensors", "pickle", "torch"]

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
MAX_PICKLE = 1 << 26  # bytes of the pickle in an archive, which holds no weights

NOT_WEIGHTS = {  # how other things begin that one finds under the name of a weight file
    b"<": "is a web page, so the download failed; get the file again",
    b"version https://git-lfs": "is a pointer of Git LFS; fetch the file itself with git lfs pull",
    b"\x1f\x8b": "is compressed by gzip; unpack it first",
    b"\x89HDF": "is an HDF5 file",
}


def map_file(path: Path) -> memoryview:
    """The bytes of a file, read from the disk as they are used."""
    if not path.is_file():
        raise CheckpointError("no such weight file")
    try:
        with open(path, "rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError as error:  # mmap refuses an empty file so
        raise CheckpointError("is empty") from error
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})") from error


def recognise(data: memoryview) -> Container:
    """Raises CheckpointError if it is none of the containers, with what else it is where that can be recognised."""
    head = bytes(data[:512])
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= len(data) - 8:
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        return "torch"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    for start, meaning in NOT_WEIGHTS.items():
        if head.lstrip().startswith(start):
            raise CheckpointError(meaning)
    raise CheckpointError("is no known weight file: neither safetensors, nor a pickle, nor written by torch.save")


@dataclass(frozen=True)
class Content:
    container: Container
    value: Any


def unpack(data: memoryview) -> Content:
    """What the pickle of the file holds, tensors as ``inert.Stored``. Raises CheckpointError."""
    budget = Budget.of(len(data))
    table = names(budget, lambda blob: read_storage(octets(blob, budget), budget))
    if recognise(data) == "torch":
        return Content("torch", read_archive(data, table, budget))
    value, end = Machine(data, table, budget).run()
    if is_magic(value):
        return Content("torch", read_sequence(data, end, table, budget))
    return Content("pickle", value)


def is_magic(value: Any) -> bool:
    return isinstance(value, int) and value == LEGACY_MAGIC


def read_archive(data: memoryview, table: Table, budget: Budget) -> Any:
    """What torch.save wrote as a zip archive: NAME/data.pkl and NAME/data/KEY for every storage."""
    archive = Archive(data)
    pickles = [name for name in archive.entries if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise CheckpointError("is a zip archive that torch.save did not write")
    folder = pickles[0].removesuffix("data.pkl")
    if any(name.startswith(f"{folder}code/") for name in archive.entries):
        raise CheckpointError("is a TorchScript archive, which holds a program rather than named weights")
    if f"{folder}byteorder" in archive.entries and bytes(archive.read(f"{folder}byteorder")) != b"little":
        raise CheckpointError("was written on a big-endian machine")
    if archive.entries[pickles[0]].size > MAX_PICKLE:
        raise CheckpointError(f"its pickle has more than {MAX_PICKLE >> 20} MiB")

    def storage(identity: Any) -> Storage:
        return make_storage(identity, lambda key: partial(archive.read, f"{folder}data/{key}"))

    value, _ = Machine(archive.read(pickles[0]), table, budget, storage).run()
    return value


def read_sequence(data: memoryview, start: int, table: Table, budget: Budget) -> Any:
    """What torch.save wrote before 1.6, from behind the magic number: version, system, object, keys, raw storages."""
    blobs: dict[str, memoryview] = {}
    promised: dict[str, Storage] = {}

    def storage(identity: Any) -> Storage:
        made = make_storage(identity, lambda key: partial(look_up, blobs, key))
        return promised.setdefault(identity[2], made)

    version, at = Machine(data, {}, budget, start=start).run()
    if version != LEGACY_PROTOCOL:
        raise CheckpointError("was written by a version of torch.save that is not known")
    system, at = Machine(data, {}, budget, start=at).run()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("was written on a big-endian machine")
    value, at = Machine(data, table, budget, storage, start=at).run()
    keys, at = Machine(data, {}, budget, start=at).run()
    if not isinstance(keys, list):
        raise CheckpointError("is damaged: its list of storages is missing")
    for key in keys:
        if not isinstance(key, str) or key not in promised or key in blobs:
            raise CheckpointError("is damaged: it has storages that no tensor uses")
        size = promised[key].count * promised[key].dtype.itemsize
        body = data[at + 8 : at + 8 + size]
        if len(body) < size or int.from_bytes(data[at : at + 8], "little") != promised[key].count:
            raise CheckpointError("is damaged or cut short among its storages")
        blobs[key] = body
        at += 8 + size
    return value


def look_up(blobs: Mapping[str, memoryview], key: str) -> memoryview:
    if key not in blobs:
        raise CheckpointError("is damaged: a storage is missing")
    return blobs[key]


def make_storage(identity: Any, reader: Callable[[str], Callable[[], memoryview]]) -> Storage:
    """From ("storage", type, key, device, count[, view]); the device it was on does not matter, the bytes are here."""
    match identity:
        case ("storage", Name(name=kind), str(key), str(), int(count), *view) if kind in STORAGE_TYPES and count >= 0:
            if not view or view == [None]:
                return Storage(STORAGE_TYPES[kind], count, reader(key))
    raise CheckpointError("a storage has an unknown form")


def read_storage(blob: memoryview, budget: Budget) -> Storage:
    """The storage that torch wrote into a plain pickle, in a container of its own."""
    magic, end = Machine(blob, {}, budget).run()
    storage = read_sequence(blob, end, storage_names(), budget) if is_magic(magic) else None
    if not isinstance(storage, Storage):
        raise CheckpointError("a storage has an unknown form")
    return storage
