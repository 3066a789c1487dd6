"""Files: written whole or not at all, hashed, and their names made fit for a terminal. No torch."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Has ``write`` write a temporary file beside ``path``, then gives it its name; nothing is left if it raises."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")  # hidden; the suffix decides the format
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, finished_by: str = "") -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its name when the block ends well, and vanishes otherwise.

    It replaces an empty folder and nothing else. If another process finished the same folder first, which has a file
    ``finished_by`` then, that result is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    work.chmod(0o755)
    try:
        yield work
        try:
            os.rename(work, folder)
        except OSError:
            if not (finished_by and (folder / finished_by).is_file()):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def require_regular(path: Path) -> None:
    """Raises OSError if ``path`` is a pipe, a socket, a device or a folder: reading one may never end."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file, read in pieces so that its size does not matter. Raises OSError."""
    path = Path(path)
    require_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def printable(text: str) -> str:
    """``text`` with its control characters and undecodable bytes escaped: they may come from a file or its name."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
