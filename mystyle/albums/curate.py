"""A folder of photos becomes a person: faces found and filtered, one person's kept, aligned, and split by event.

The order is MyStyle's (appendix A): other identities, occlusion and low resolution are filtered, near-duplicates are
dropped, faces are aligned, and the photos are split. What each step does, and how it differs, is in its module.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mystyle.albums.align import crop_of, portrait
from mystyle.albums.detect import Detector, Mtcnn
from mystyle.albums.duplicates import DUPLICATE, EVENT, duplicates, events
from mystyle.albums.filters import Filters, geometry_of
from mystyle.albums.folder import (
    AlbumError,
    Curation,
    Record,
    files_of,
    hash_of,
    read_curation,
    reasons,
    require_apart,
    write_tables,
)
from mystyle.albums.people import Ambiguous, Recogniser, person_among
from mystyle.albums.sheets import captioned_sheets
from mystyle.albums.split import held_out, wanted
from mystyle.albums.survey import Candidate, Seen, Survey, embedded
from mystyle.albums.survey import read as read_photo
from mystyle.files import sha256, whole_folder
from mystyle.image_files import HEIC_SUFFIXES, SUFFIXES

LOOKED_FOR = 0.3  # width of the smallest box, in sides of the smallest square: half of a face's, to say "too small"
LONGEST_NAME = 200  # bytes of a portrait's name without its suffix; file systems take 255

VERSION = 2  # of what is made of the same photos by the same settings; 1 placed faces wrongly where sizes differed


@dataclass(frozen=True)
class Settings:
    """What decides a person's folder besides the photos."""

    resolution: int = 256  # pixels a side of a portrait
    filters: Filters = field(default_factory=Filters)
    duplicate: float = DUPLICATE  # correlation from which on two portraits are near-duplicates
    event: float = EVENT  # correlation from which on two portraits are of one event
    event_minutes: float = 30  # between photos of one event, where they say when they were taken
    test: float = 8  # photos held out, or a share below 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 8 <= self.resolution <= 4096:
            raise ValueError(f"--resolution {self.resolution}: must be from 8 to 4096")
        for name in ("duplicate", "event"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"--{name} {getattr(self, name)}: must be above 0 and at most 1")
        if not 0 <= self.event_minutes < float("inf"):
            raise ValueError(f"--event_minutes {self.event_minutes}: must be at least 0 and finite")
        if self.seed < 0:
            raise ValueError(f"--seed {self.seed}: must be at least 0")
        wanted(self.test, 1)


def curate(
    album: Path,
    out: Path,
    detect: Detector,
    recogniser: Recogniser,
    settings: Settings | None = None,
    example: Path | None = None,
    origin: str = "",
) -> Curation:
    """Makes the person's folder ``out`` of the photos in ``album``, whole or not at all; the album is left as it is.

    The person is the one in most photos, or the largest face of ``example``. ``origin`` is written into the card: where
    the photos are from, and under which licence. The same call again finds the folder and does nothing. Raises
    AlbumError before anything is written if the album shows no face or no one person, if fewer than two photos are
    left, or if ``out`` is in the album or holds anything else.
    """
    settings, out = settings or Settings(), out.absolute()  # so that "." has a name
    files = files_of(album)
    require_photos(album, files)
    require_apart(out, album)
    made_of = {
        "version": VERSION,
        "photos": {path.name: hash_or_none(path) for path in files},
        "example": hash_of(example) if example else None,
        "settings": asdict(settings),
        "recogniser": {"name": recogniser.name, "sha256": recogniser.sha256, "threshold": recogniser.threshold},
    }
    if there := read_curation(out, made_of):
        return there
    wanted_face = example_vector(example, detect, recogniser, settings) if example else None
    with whole_folder(out) as work:
        (faces := work / ".faces").mkdir()
        photos = Survey(faces, detect, recogniser, settings.filters, settings.resolution)(files)
        records, own = decide(album, photos, recogniser.threshold, settings, wanted_face)
        hashes = {record.file: place(work, own[i], record) for i, record in enumerate(records) if record.file}
        shutil.rmtree(faces)
        write_tables(work, out.name, records, hashes, made_of, origin)
        draw_sheets(work, photos, records, own)
    return Curation(out, tuple(records), made_now=True)


def detector_for(settings: Settings, device: str = "cpu") -> Mtcnn:
    """The detector that looks for faces of the size that the filters want, and for smaller ones to say so."""
    return Mtcnn(LOOKED_FOR * settings.filters.least_pixels, device)


def require_photos(album: Path, files: Sequence[Path]) -> None:
    """Raises AlbumError unless there are at least two files with the suffix of a photo."""
    photos = [path for path in files if path.suffix.lower() in SUFFIXES + HEIC_SUFFIXES]
    if not photos:
        folders = sum(path.is_dir() for path in album.iterdir())
        within = f"; it has {folders} folders, which are not searched: name one of them" if folders else ""
        raise AlbumError(f"{album}: holds no photo (suffixes are {', '.join(SUFFIXES + HEIC_SUFFIXES)}){within}")
    if len(photos) == 1:
        raise AlbumError(f"{album}: one photo only; a prior is what several photos of a person have in common")


def hash_or_none(path: Path) -> str | None:
    """The SHA-256, None of what cannot be read, which is rejected with its reason."""
    try:
        return sha256(path)
    except OSError:
        return None


def example_vector(example: Path, detect: Detector, recogniser: Recogniser, settings: Settings) -> NDArray[np.float64]:
    """The embedding of the largest face of the example. Raises AlbumError where there is none."""
    photo, pixels = read_photo(example, 0)
    if pixels is None:
        raise AlbumError(f"--example {example}: {photo.fault}")
    for face in detect([pixels])[0]:
        crop = crop_of(face.points)
        if geometry_of(face, crop, pixels.shape[1], pixels.shape[0]).outside <= settings.filters.most_outside:
            (vector,) = embedded([portrait(pixels, crop, settings.resolution)], recogniser)
            return np.asarray(vector)
    raise AlbumError(f"--example {example}: no face found; choose a photo that shows the person's whole face")


def decide(
    album: Path,
    photos: Sequence[Seen],
    threshold: float,
    settings: Settings,
    example: NDArray[np.float64] | None,
) -> tuple[list[Record], dict[int, Candidate]]:
    """What becomes of every photo, and the person's face ``{position: face}`` of those with one. Raises AlbumError."""
    faces = [(i, candidate) for i, photo in enumerate(photos) for candidate in photo.candidates]
    records = [record_of(photo) for photo in photos]
    if not faces:
        raise AlbumError(f"{album}: no usable face in any of {len(photos)} files: {reasons(records)}")
    vectors, places = np.stack([candidate.vector for _, candidate in faces]), [i for i, _ in faces]
    try:
        found, cosine = person_among(vectors, places, threshold, example)
    except Ambiguous as error:
        raise AlbumError(f"{album}: {error}") from error
    for i in sorted(set(places) - set(found)):
        nearest = max(float(value) for value, where in zip(cosine, places, strict=True) if where == i)
        records[i] = replace(records[i], reason=f"unlike the person: cosine {nearest:.2f}", cosine=round(nearest, 4))
    own = {i: faces[k][1] for i, k in found.items()}
    for i, k in found.items():
        records[i] = replace(record_of(photos[i], own[i]), cosine=round(float(cosine[k]), 4))
    mark_duplicates(records, own, settings.duplicate)
    kept = [i for i in own if not records[i].reason]
    if len(kept) < 2:
        raise AlbumError(f"{album}: {len(kept)} of {len(photos)} files is left, two are needed: {reasons(records)}")
    assign(album, records, photos, {i: own[i] for i in kept}, settings)
    return records, own


def record_of(photo: Seen, candidate: Candidate | None = None) -> Record:
    """What is known of a photo, and of the face that is the person's or else would have been rejected."""
    face, geometry, look = photo.refused or (None, None, None)
    if candidate is not None:
        face, geometry, look = candidate.face, candidate.geometry, candidate.look
    measured = {**(asdict(geometry) if geometry else {}), **(asdict(look) if look else {})}
    return Record(
        source=printable_name(photo.source),
        sha256=photo.sha256,
        reason="" if candidate is not None else photo.fault,
        points=tuple((round(x, 2), round(y, 2)) for x, y in face.points.tolist()) if face else (),
        measured={k: v if isinstance(v, bool) else round(v, 4) for k, v in measured.items()} or None,
    )


def printable_name(path: Path) -> str:
    """A file's name, with what is no valid UTF-8 in it replaced."""
    return path.name.encode(errors="replace").decode()


def mark_duplicates(records: list[Record], own: Mapping[int, Candidate], limit: float) -> None:
    """Rejects near-duplicates among the person's faces ``{position: face}``."""
    order = list(own)
    thumbnails = np.stack([own[i].thumbnail for i in order])
    for dropped, (kept, value) in duplicates(thumbnails, [own[i].look.blur for i in order], limit).items():
        reason = f"near-duplicate: of {records[order[kept]].source} ({value:.2f})"
        records[order[dropped]] = replace(records[order[dropped]], reason=reason)


def assign(
    album: Path, records: list[Record], photos: Sequence[Seen], kept: Mapping[int, Candidate], settings: Settings
) -> None:
    """Gives the kept photos their event, split and name."""
    order = list(kept)
    thumbnails = np.stack([kept[i].thumbnail for i in order])
    of = events(thumbnails, [photos[i].taken for i in order], settings.event, settings.event_minutes).tolist()
    try:
        out = held_out(of, settings.test, settings.seed)
    except ValueError as error:
        raise AlbumError(f"{album}: {error}") from error
    names = distinct([stem_of(photos[i].source) for i in order])
    for i, event, is_test, name in zip(order, of, out, names, strict=True):
        split = "test" if is_test else "train"
        records[i] = replace(records[i], event=event, split=split, file=f"{split}/{name}.png")


def stem_of(path: Path) -> str:
    """The name of a photo without its suffix, short enough for its portrait's."""
    return path.stem.encode(errors="replace")[:LONGEST_NAME].decode(errors="ignore") or "photo"


def distinct(stems: Sequence[str]) -> list[str]:
    """The stems, numbered where several are equal, as they are on file systems that ignore case."""
    given, used, names = {stem.casefold() for stem in stems}, set[str](), list[str]()
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in used or (number > 1 and name.casefold() in given):
            number += 1
            name = f"{stem}_{number}"
        used.add(name.casefold())
        names.append(name)
    return names


def place(work: Path, candidate: Candidate, record: Record) -> str:
    """Moves a portrait to its place in the person's folder; its SHA-256."""
    (work / record.split).mkdir(exist_ok=True)
    candidate.path.rename(work / record.file)
    return sha256(work / record.file)


def draw_sheets(work: Path, photos: Sequence[Seen], records: Sequence[Record], own: Mapping[int, Candidate]) -> None:
    """Contact sheets of kept portraits with their split, and of rejected photos with the reasons."""
    pairs: dict[str, list[tuple[Any, tuple[str, str]]]] = {"kept": [], "rejected": []}
    for i, (photo, record) in enumerate(zip(photos, records, strict=True)):
        candidate = own.get(i)
        preview = photo.preview if candidate is None else candidate.preview
        text = record.reason or f"{record.split}, event {record.event}"
        pairs["rejected" if record.reason else "kept"].append((preview, (record.source, text)))
    for name, shown in pairs.items():
        captioned_sheets(work, name, [preview for preview, _ in shown], [texts for _, texts in shown])
