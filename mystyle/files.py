"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Has ``write`` write a temporary file beside ``path``, then gives it its name; nothing is left if it raises."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")  # hidden; the suffix tells the format
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
