"""What goes wrong when weight files are brought, in words for the user."""

from __future__ import annotations

import errno
import os


class WeightError(ValueError):
    """A file that cannot be brought or is not what it should be; the message says what, without the way by hand."""


def words(error: OSError) -> str:
    """An error of the system in a line; a full disk with the way out."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left on the disk of the cache; free some, or set MYSTYLE_HOME to a folder of another disk"
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fspath(error.filename)}: {reason}" if isinstance(error.filename, str | os.PathLike) else reason
