"""The user's cache: where the brought weight files lie, what they were made from, and whether they are still that.

``HOME/weights/DOMAIN/`` has a domain's files and ``sources.json``, which records of each its SHA-256 and what it was
made from. It has no dates, so that the same files give the same record.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mystyle.files import sha256, write_whole
from mystyle.weights.errors import words
from mystyle.weights.manifest import Entry

RECORD = "sources.json"

State = Literal["there", "missing", "optional", "damaged", "outdated"]
"""``optional``: missing, a dash for what needs it; ``outdated``: made from another file, or by another reader"""


def home() -> Path:
    """``MYSTYLE_HOME``, or else ``mystyle`` in the user's cache folder (``XDG_CACHE_HOME``, ``~/.cache``)."""
    if own := os.environ.get("MYSTYLE_HOME"):
        return Path(own).expanduser().absolute()
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (caches if caches.is_absolute() else Path.home() / ".cache") / "mystyle"


def weight_file(domain: str, file: str) -> Path:
    """Where a brought file of a domain lies; it need not be there."""
    return home() / "weights" / domain / file


@dataclass(frozen=True)
class Status:
    """Of a file of the cache; ``detail`` is its size, or what is wrong."""

    state: State
    detail: str = ""

    @property
    def usable(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.state in ("there", "optional")


def status(domain: str, entry: Entry) -> Status:
    """What is in the cache of an entry. Reads the whole file, for its hash."""
    path = weight_file(domain, entry.file)
    if not path.exists():
        return Status("missing" if entry.required else "optional")
    if reason := damage(path):
        return Status("damaged", reason)
    try:
        made = read_records(domain).get(entry.file)
        if made is None:
            return Status("there", f"{megabytes(path.stat().st_size)}, put there by hand: its source is not recorded")
        if made.get("sha256") != sha256(path):
            return Status("damaged", f"its SHA-256 is not the one in {RECORD}")
    except ValueError as error:
        return Status("damaged", str(error))
    except OSError as error:
        return Status("damaged", words(error))
    if old := differences(made, entry):
        return Status("outdated", old)
    return Status("there", megabytes(path.stat().st_size))


def damage(path: Path) -> str:
    """What is wrong with a file that should be safetensors of a named network; "" if nothing is."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:  # checks the header against the file's length
            return "" if (file.metadata() or {}).get("network") else "no network named in its metadata"
    except (SafetensorError, OSError) as error:
        return str(error)


def made_from(entry: Entry, fetched: Path) -> dict[str, Any]:
    """What a file is made from, for the record, without the hash of the file itself."""
    return {
        "source": entry.source.title,
        "address": entry.source.address,
        "fetched": fetched.name,
        "fetched_sha256": entry.sha256 or sha256(fetched),
        "publisher": entry.publisher,
        "licence": entry.licence,
        "precision": "float16" if entry.half else "float32",
        "reader_version": entry.version,
    }


def differences(made: dict[str, Any], entry: Entry) -> str:
    """How a file was made otherwise than the entry says today; "" if it was not."""
    if entry.sha256 is not None and made.get("fetched_sha256") != entry.sha256:
        return f"made from another file than {entry.source.title}"
    if made.get("reader_version") != entry.version:
        return "made by another version of the reader"
    if made.get("precision") != ("float16" if entry.half else "float32"):
        return f"kept in {made.get('precision')}"
    return ""


def read_records(domain: str) -> dict[str, dict[str, Any]]:
    """The records of a domain by file; none if nothing was brought. Raises ValueError if they are damaged, OSError."""
    path = weight_file(domain, RECORD)
    if not path.exists():
        return {}
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged") from error
    if not isinstance(records, dict) or not all(isinstance(made, dict) for made in records.values()):
        raise ValueError(f"{path} is damaged")
    return records


def write_record(domain: str, file: str, made: dict[str, Any]) -> None:
    """Records a file that was just made, with its hash. A damaged record is begun anew. Raises OSError."""
    try:
        records = read_records(domain)
    except ValueError:
        records = {}
    records[file] = {"sha256": sha256(weight_file(domain, file)), **made}
    text = json.dumps(dict(sorted(records.items())), indent=2) + "\n"
    write_whole(weight_file(domain, RECORD), lambda partial: partial.write_text(text, encoding="utf-8"))


def megabytes(size: int | None) -> str:
    return "? MB" if size is None else f"{size / 1e6:.1f} MB"


def way_out(domain: str, entry: Entry, again: bool = False) -> str:
    """For messages about a file that is missing, or else is to be made ``again``: whose it is, and what brings it."""
    known = f"SHA-256 {entry.sha256}" if entry.sha256 else "its SHA-256 is not known to us"
    return (
        f"it comes from {entry.source.title}, published by {entry.publisher} ({known}); "
        f"licence: {entry.licence.rstrip('.')}. "
        f"Bring it: python -m mystyle.weights {domain} --bring{' --again' * again}"
    )
