"""Some members of a wheel (zip) or an npm tarball (tar, gzip), as files, whatever else the archive holds.

Names in the archive never become paths: a member is written under the name that was asked for, and only if it is a
plain file. All others are left alone. Sizes are bounded before and while members are read.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mystyle.weights.errors import WeightError

GROWTH = 20  # an archive of weights unpacks to no more than so many times its size
SLACK = 1 << 20  # bytes, for small archives of text
PIECE = 1 << 20  # bytes that are copied at once
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)  # kinds of members that refer to nothing else and have no holes

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, UnicodeError)


def unzip(archive: Path, members: Collection[str], folder: Path) -> dict[str, Path]:
    """The members of a zip archive by name, as files in ``folder``.

    Raises WeightError if the archive is damaged, or lacks one, or has it twice, encrypted or as a link; OSError.
    """
    with naming_damage(archive), zipfile.ZipFile(archive) as file:
        found = [info for info in file.infolist() if info.filename in members]
        require_all([info.filename for info in found], members)
        if len(found) > len(members):
            raise WeightError("it has one of its members twice")
        require_bounded(sum(info.file_size for info in found), archive)
        written = {}
        for info in found:
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                raise WeightError(f"its member {info.filename} is a link or a folder")
            with file.open(info) as source:
                written[info.filename] = write(source, info.file_size, folder, info.filename)
        return written


def untar(archive: Path, members: Collection[str], folder: Path) -> dict[str, Path]:
    """As ``unzip``, from a gzipped tarball."""
    written: dict[str, Path] = {}
    with naming_damage(archive), gzip.open(archive) as unpacked:
        stream = Bounded(unpacked, bound(archive))
        with tarfile.open(fileobj=stream, mode="r|") as file:
            for info in file:
                name = info.name
                if name not in members:
                    continue
                if name in written:
                    raise WeightError(f"it has its member {name} twice")
                if info.type not in PLAIN:
                    raise WeightError(f"its member {name} is a link, a folder or a device")
                require_bounded(info.size, archive)
                source = file.extractfile(info)
                assert source is not None  # it is a plain file
                written[name] = write(source, info.size, folder, name)
        require_all(written, members)
    return written


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than ``limit`` bytes: a small archive may unpack without end."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, limit: int):
        self.source = source
        self.left = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self.left:
            size = self.left + 1
        data = self.source.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise WeightError("it unpacks to far more than weights do")
        return data


@contextmanager
def naming_damage(archive: Path) -> Iterator[None]:
    """Errors of damaged archives, and of features that none of ours has, as WeightError."""
    try:
        yield
    except DAMAGE as error:
        raise WeightError(f"{archive.name} is damaged, or not the archive that it should be ({error})") from error
    except (NotImplementedError, RuntimeError, ValueError, OverflowError) as error:
        if isinstance(error, WeightError):
            raise WeightError(f"{archive.name}: {error}") from error
        raise WeightError(f"{archive.name} cannot be unpacked ({error})") from error


def require_all(found: Collection[str], members: Collection[str]) -> None:
    if missing := sorted(set(members) - set(found)):
        raise WeightError(f"it has no member {', '.join(missing)}")


def bound(archive: Path) -> int:
    """The most bytes that an archive of weights unpacks to."""
    return GROWTH * archive.stat().st_size + SLACK


def require_bounded(size: int, archive: Path) -> None:
    if size > bound(archive):
        raise WeightError(f"its members have {size:,} bytes, far more than weights in such an archive")


def write(source: IO[bytes], size: int, folder: Path, member: str) -> Path:
    """Copies the ``size`` bytes of a member to a file of its name under ``folder``."""
    path = folder.joinpath(*member.split("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    left = size
    with path.open("xb") as out:
        while data := source.read(min(PIECE, left)):
            out.write(data)
            left -= len(data)
    if left:
        raise WeightError(f"its member {member} is cut short")
    return path
