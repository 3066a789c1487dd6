"""The folder that curation makes, as ``datasets.folders`` reads people, with what it was made of.

PERSON/train/*.png, test/*.png        aligned portraits
PERSON/manifest.csv                   file,sha256,split,identity
PERSON/manifest.json                  every file of the album, kept or the reason why not, settings, versions
PERSON/kept.png, rejected.png         contact sheets; further ones are numbered
PERSON/README.md                      figures, consent and licence
"""

from __future__ import annotations

import csv
import errno
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mystyle
from mystyle.files import printable, require_regular

MANIFEST, TABLE, CARD = "manifest.json", "manifest.csv", "README.md"
FORMAT = 1
PACKAGES = ("facenet-pytorch", "numpy", "pillow", "torch")


class AlbumError(ValueError):
    """An album, or a folder to write, that cannot be used; the message names it and the way out."""


@dataclass(frozen=True)
class Record:
    """What became of a file of the album."""

    source: str  # its name
    sha256: str  # of its bytes
    reason: str = ""  # why it was rejected; "" where it was kept
    file: str = ""  # in the person's folder, "" where it was rejected
    split: str = ""
    event: int | None = None  # photos of one number were taken together
    cosine: float | None = None  # mean similarity to the person's other photos
    points: tuple[tuple[float, float], ...] = ()  # of the face, in pixels of the upright photo; see ``Face``
    measured: Mapping[str, float | bool] | None = None  # by the names of ``Geometry`` and ``Look``

    @property
    def kind(self) -> str:
        """The reason without its figures."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class Curation:
    """A person's folder and what it was made of."""

    folder: Path
    records: tuple[Record, ...]
    made_now: bool  # False where it was there already

    @property
    def kept(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if not record.reason)

    @property
    def summary(self) -> str:
        """One line."""
        splits = Counter(record.split for record in self.kept)
        parts = [f"{count} {split}" for split, count in sorted(splits.items(), reverse=True)]
        return f"{len(self.kept)} of {len(self.records)} kept ({', '.join(parts)}); rejected: {reasons(self.records)}"


def reasons(records: Sequence[Record]) -> str:
    """How many were rejected, by reason."""
    kinds = Counter(record.kind for record in records if record.reason)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"


def read_curation(out: Path, made_of: Mapping[str, Any]) -> Curation | None:
    """The folder ``out`` where it was made of the same; None where there is nothing yet.

    Raises AlbumError where it holds anything else, so that nothing is ever replaced.
    """
    if not out.is_dir():
        if out.exists() or out.is_symlink():
            raise AlbumError(f"--out {out}: is there and is no folder; choose another one")
        return None
    if not any(out.iterdir()):
        return None
    path = out / MANIFEST
    if not path.is_file():
        raise AlbumError(f"--out {out}: holds something else; choose another folder, or an empty one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["made_of"], tuple(map(read_record, content["photos"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AlbumError(f"{path}: is damaged ({type(error).__name__}); remove the folder and curate again") from error
    if found[0] != json.loads(json.dumps(made_of)):
        raise AlbumError(f"--out {out}: was made of other photos or settings; choose another folder or remove it")
    missing = [record.file for record in found[1] if record.file and not (out / record.file).is_file()]
    if missing:
        raise AlbumError(f"{out}: {missing[0]} is missing; remove the folder and curate again")
    return Curation(out, found[1], made_now=False)


def read_record(fields: dict[str, Any]) -> Record:
    """A record of the manifest. Raises TypeError, KeyError or ValueError if it is none."""
    return Record(**{**fields, "points": tuple((float(x), float(y)) for x, y in fields["points"])})


def require_apart(out: Path, album: Path) -> None:
    """Raises AlbumError if ``out`` is the album or in it: a folder of photos is never written into."""
    place, source = Path(os.path.realpath(out)), Path(os.path.realpath(album))
    if place.is_relative_to(source):
        raise AlbumError(f"--out {out}: is in the album, {album}, which is left as it is; choose another folder")


def write_tables(
    work: Path,
    person: str,
    records: Sequence[Record],
    hashes: Mapping[str, str],
    made_of: Mapping[str, Any],
    origin: str,
) -> None:
    """The manifests and the card of a person's folder; ``hashes`` are the SHA-256 of its portraits."""
    with (work / TABLE).open("w", newline="", encoding="utf-8", errors="replace") as file:
        table = csv.writer(file)
        table.writerow(("file", "sha256", "split", "identity"))
        table.writerows((r.file, hashes[r.file], r.split, person) for r in records if r.file)
    versions = {"mystyle": mystyle.__version__, **{package: version(package) for package in PACKAGES}}
    photos = [asdict(record) for record in records]
    content = {"format": FORMAT, "made_of": made_of, "versions": versions, "photos": photos}
    (work / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    kept = [record for record in records if record.file]
    counts = Counter(record.split for record in kept)
    card = CARD_TEXT.format(
        person=printable(person),
        photos=len(records),
        train=counts["train"],
        test=counts["test"],
        events=len({record.event for record in kept}),
        rejected=reasons(records),
        resolution=made_of["settings"]["resolution"],
        origin=f"\n\n{origin}" if origin else "",
    )
    (work / CARD).write_text(card, encoding="utf-8", errors="replace")


def files_of(album: Path) -> list[Path]:
    """All files of the album but hidden ones, by name. Raises AlbumError where it is no folder of files."""
    if not album.is_dir():
        raise AlbumError(f"{album}: is no folder of photos")
    try:
        paths = sorted(path for path in album.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise AlbumError(f"{album}: cannot be read ({error.strerror})") from error
    return [path for path in paths if not path.is_dir()]


def hash_of(path: Path) -> str:
    """The SHA-256 of a file that is asked for by name. Raises AlbumError if it cannot be read."""
    from mystyle.files import sha256

    try:
        require_regular(path)
        return sha256(path)
    except OSError as error:
        reason = "no such file" if error.errno == errno.ENOENT else error.strerror
        raise AlbumError(f"{path}: cannot be read ({reason})") from error


CONSENT = """Photographs of a person are personal data. Use them only with the consent of the person, or where the
licence of the photographs and the law allow it without. Do not identify, deceive or harm anybody with what is made of
them."""

CARD_TEXT = (
    """# Photographs of one person: {person}

Curated from an album of {photos} files: {train} training and {test} test portraits of {resolution} x {resolution}
pixels, aligned as FFHQ is, of {events} events. Rejected: {rejected}. `manifest.json` has every file with its SHA-256,
what was measured, and the reason; `kept.png` and `rejected.png` show them.

Occluded faces and watermarks are not found by a program here: look at `kept.png`, take what should not be there out of
the album, and curate again. The person was told from others by a recogniser: faces it does not take for the person's
are missing, so that similarities of the remaining photos by the same recogniser are a little higher than they would be.

## Consent and licence

"""
    + CONSENT
    + """{origin}

The portraits are under the same rights and licence as the photos they were cut from. `rejected.png` may show other
people: delete it once you have looked at it.
"""
)
