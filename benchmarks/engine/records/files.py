"""Files and folders that appear whole or not at all, claims on them, and JSON read with care."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.engine.records.schema import RecordError, check_plain

UNFINISHED = "unfinished"
OURS = re.compile(r"([0-9a-f]{16}|report|study)\.[0-9a-f]{8}(\.damaged|\.\d+\.replaced)?")  # folders in UNFINISHED
DAY = 24 * 3600  # seconds
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)  # of file systems without them
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)  # no later write can succeed either
_OS_ERROR = re.compile(rf"(?:os error |code: )(?:{'|'.join(map(str, FULL))})\b")  # in messages of safetensors


class Unwritable(OSError):
    """The run's folder cannot be written any more, not even to record a failure: going on would lose results."""


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raises Unwritable, in one line, for whatever keeps the block from writing in ``folder``.

    A full disk counts also where another exception, such as that of a checkpoint, hides it.
    """
    try:
        yield
    except Unwritable:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and not is_full(error):
            raise
        raise Unwritable(f"{folder} cannot be written ({error})") from error


def is_full(error: BaseException | None) -> bool:
    """Whether an exception, or one that it was raised from, is of a disk that takes nothing any more."""
    while error is not None:
        if getattr(error, "errno", None) in FULL or _OS_ERROR.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def whole_folder(place: Path, keep: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A new folder beside ``place`` that takes its place when the block ends without an exception.

    Whatever is there is removed, unless ``keep`` is true of it: then the new folder is.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = _scratch(place) / f"{place.name}.{uuid.uuid4().hex[:8]}"  # not tempfile's, which nobody else may read
    folder.mkdir(parents=True)
    try:
        yield folder
        for path in [*folder.rglob("*"), folder]:
            _sync(path)
        _move(folder, place, keep)
        _sync(place.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def set_aside(place: Path) -> None:
    """Moves a folder that cannot be used out of the way; it is kept for a day."""
    aside = _scratch(place) / f"{place.name}.{uuid.uuid4().hex[:8]}.damaged"
    aside.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another process did
        place.rename(aside)
        os.utime(aside)  # the day begins now, whenever the folder was made


@contextlib.contextmanager
def claim(place: Path, *, wait: bool = True) -> Iterator[bool]:
    """Whether this process, and no other, may write ``place`` inside the block; the claim ends with the process.

    With ``wait`` it is granted as soon as nobody else holds it. Where the file system has no locks it is always
    granted, which costs work done twice, but no result. Raises OSError if nothing can be written here.
    """
    from filelock import FileLock, Timeout

    file = _scratch(place) / f"{place.name}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, fallback_to_soft=False)  # whose marker files would outlive their process
    try:
        lock.acquire(blocking=wait)
        granted = True
    except Timeout:
        granted = False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        granted = True
    try:
        yield granted
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # who waits for the removed file begins anew, which filelock sees to
                file.unlink()
            lock.release()


def clean(parent: Path) -> None:
    """Removes what killed processes left in ``parent``, a run or its jobs or priors, a day ago or more.

    Only folders with names of ``whole_folder`` and ``set_aside`` are; work in progress is claimed, however old it is.
    """
    for path in (parent / UNFINISHED).glob("*"):
        if not OURS.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
            continue
        with contextlib.suppress(OSError), claim(parent / path.name.split(".")[0], wait=False) as granted:
            if granted and time.time() - path.stat().st_mtime > DAY:
                shutil.rmtree(path, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Readable JSON, replacing the file in one step. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, way_out: str) -> dict[str, Any]:
    """A JSON object of a run. Raises RecordError that ends in ``way_out``."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {way_out}") from error


def parse_json(text: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError, or RecursionError, for anything else and for what we never write."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    check_plain(content)
    return content


def write_text(path: Path, text: str) -> None:
    """A file that is never seen half written."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _scratch(place: Path) -> Path:
    """Where things are until they take their place, on the same file system."""
    return place.parent / UNFINISHED


def _move(folder: Path, place: Path, keep: Callable[[], bool]) -> None:
    """Renames ``folder`` to ``place``; ``keep`` decides if what is there, or comes there meanwhile, stays."""
    replaced: list[Path] = []
    while True:
        try:
            folder.rename(place)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES) or not place.exists():
                raise
        if keep():
            shutil.rmtree(folder)
            break
        replaced.append(folder.with_name(f"{folder.name}.{len(replaced)}.replaced"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            place.rename(replaced[-1])
    for old in replaced:
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flushes a file to the disk, or a folder's list of names where the system can."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        return
    with contextlib.suppress(OSError):  # Windows and some file systems of networks do not do this
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
