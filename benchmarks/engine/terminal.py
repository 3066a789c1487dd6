"""Text on a terminal or in a log: whatever its encoding, and whatever names of files contain. No packages."""

from __future__ import annotations

import io
import sys

from mystyle.files import printable


def echo(*lines: object, error: bool = False) -> None:
    """Prints lines made ``printable``, to standard output or standard error."""
    for line in "\n".join(map(str, lines)).split("\n") if lines else ():
        print(printable(line), file=sys.stderr if error else sys.stdout)


def replace_unencodable() -> None:
    """Has characters that the encoding of the output lacks printed as ``?`` instead of raising UnicodeEncodeError."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
