"""Text of unknown origin (names, reasons) made fit for a terminal, a table, a CSV file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_PATH = re.compile(
    r"""(?<![\w./\\])  (?:file://)?  (?:[A-Za-z]:[\\/] | ~?/(?=[^\s/]) | \\\\)  # where an absolute path begins
        (?:[^\n'"`:;,]*[\\/])?  ([^\s'"`:;,()\[\]]*)                            # its folders, and its name""",
    re.VERBOSE,
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula
_QUOTED = (*_FORMULA, "'")  # and the quote itself, so that it can be undone
_ADVICE = "weights_only"  # torch's messages recommend turning this protection off


def without_paths(text: str) -> str:
    """With the last name in the place of every absolute path, which would reveal the machine and its user."""
    return _PATH.sub(lambda path: path[1] or "…", text)


def reason_of(error: BaseException) -> str:
    """Type and message of an exception, as a record keeps them."""
    message = str(error)
    if _ADVICE in message:
        message = "the file holds more than tensors, and nothing from a file is executed"
    return f"{type(error).__name__}: {message}".strip()


def csv_text(frame: pd.DataFrame) -> str:
    """CSV that no spreadsheet executes: text that looks like a formula is quoted by an apostrophe in front."""
    texts = frame.select_dtypes(["object", "string"])
    safe = texts.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_QUOTED) else cell)
    return str(frame.assign(**safe).to_csv(index=False, lineterminator="\n"))


def as_it_was(cell: str) -> str:
    """A cell of ``csv_text`` without its quote."""
    return cell.removeprefix("'")
