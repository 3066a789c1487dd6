"""The one reader of person folders, for real and rendered photos alike.

    PERSON/train/*.png|jpg|jpeg|webp      the reference set
    PERSON/test/*                         the held-out set
    PERSON/extra/*                        optional: further held-out photos, for experiments that ask for more
    PERSON/manifest.csv                   optional: file,sha256,split,identity,<true parameters of each photo>

Photos are aligned portraits at the domain's exact resolution, taken in the sorted order of their names; what counts as
an image is decided in ``mystyle.image_files``.
``describe`` hashes without decoding (what a plan needs), ``check`` decodes and collects every problem, and
``read_portraits`` does both and returns tensors. Only the last imports torch.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mystyle.files import sha256
from mystyle.image_files import SUFFIXES, ImageFileError, decode, list_images, open_image

if TYPE_CHECKING:
    from mystyle.types import Portraits

SPLITS = ("train", "test", "extra")
MANIFEST = "manifest.csv"
_NOT_PARAMETERS = frozenset({"file", "sha256", "split", "identity"})


class DataError(ValueError):
    """Everything that is wrong with a folder of photos, one line per problem."""


@dataclass(frozen=True)
class Photo:
    """A photo on disk, not yet decoded."""

    path: Path
    file: str  # relative to the person's folder, with forward slashes
    sha256: str  # of the bytes on disk
    parameters: Mapping[str, float] = field(default_factory=dict)  # true parameters, of rendered photos


def describe(folder: Path, split: str) -> tuple[Photo, ...]:
    """The photos of ``folder/split`` in sorted order with their hashes, checked against the manifest if there is one.

    Nothing is decoded. Raises DataError with all problems found.
    """
    photos, problems = _describe(Path(folder), split)
    _raise(problems)
    return photos


def check(folder: Path, split: str, resolution: int, known_good: Collection[str] = ()) -> tuple[Photo, ...]:
    """``describe``, and every photo is decoded once. Raises DataError with the problems of all photos.

    Photos whose SHA-256 is among ``known_good`` were decoded at this resolution before and are spared.
    """
    return _decode(Path(folder), split, resolution, take=lambda pixels: None, known_good=known_good)


def read_portraits(folder: Path, split: str, resolution: int) -> Portraits:
    """The photos of ``folder/split`` (one of ``SPLITS``) as ``Portraits`` named after the folder.

    Raises DataError with everything that is wrong: no such folder, no photo, a photo that cannot be decoded, is not
    ``resolution`` x ``resolution`` or differs from its hash in the manifest, a photo of the manifest that is missing.
    """
    import torch  # here, so that hashing and checking cost no import

    from mystyle.types import Portraits, from_uint8

    pixels: list[np.ndarray] = []
    photos = _decode(Path(folder), split, resolution, take=pixels.append)
    return Portraits(
        person=Path(folder).name,
        images=from_uint8(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()),
        files=tuple(photo.file for photo in photos),
        hashes=tuple(photo.sha256 for photo in photos),
        parameters={name: torch.tensor([photo.parameters[name] for photo in photos]) for name in photos[0].parameters},
    )


def _decode(
    folder: Path, split: str, resolution: int, take: Callable[[np.ndarray], None], known_good: Collection[str] = ()
) -> tuple[Photo, ...]:
    """Hands the pixels of each photo to ``take``, one at a time, because a thousand-pixel album does not fit twice."""
    photos, problems = _describe(folder, split)
    for photo in photos:
        if photo.sha256 in known_good:
            continue
        try:
            take(_pixels(photo, resolution))
        except DataError as error:
            problems.append(str(error))
    _raise(problems)
    return photos


def _describe(folder: Path, split: str) -> tuple[tuple[Photo, ...], list[str]]:
    if split not in SPLITS:
        raise ValueError(f"a split is one of {', '.join(SPLITS)}, not {split!r}")
    if not folder.is_dir():
        return (), [f"there is no folder {folder}; a person is a folder with train/ and test/ inside"]
    directory = folder / split
    paths = list_images(directory)
    if not paths:
        return (), [f"{directory} holds no photo; put {', '.join(SUFFIXES)} files there"]
    manifest, problems = _read_manifest(folder, split)
    stems = Counter(path.stem for path in paths)
    problems += [
        f"{directory} has {n} photos named {stem}; give each its own name" for stem, n in stems.items() if n > 1
    ]
    photos = []
    for path in paths:
        file = f"{split}/{path.name}"
        try:
            digest = sha256(path)
        except OSError as error:
            problems.append(f"{path} cannot be read ({error.strerror})")
            continue
        row = manifest.pop(file, None) if manifest is not None else ("", {})
        if row is None:
            problems.append(f"{path} is not in {MANIFEST}; add it there or take it away")
            continue
        expected, parameters = row
        if expected and expected != digest:
            problems.append(
                f"{path} is not the file that {MANIFEST} describes "
                f"(SHA-256 {digest[:12]}…, expected {expected[:12]}…); restore it or make it again"
            )
        photos.append(Photo(path, file, digest, parameters))
    problems += [f"{folder / file} is listed in {MANIFEST} but missing" for file in manifest or ()]
    return tuple(photos), problems


_Manifest = dict[str, tuple[str, Mapping[str, float]]]  # file -> (sha256, parameters)


def _read_manifest(folder: Path, split: str) -> tuple[_Manifest | None, list[str]]:
    """The manifest's rows of one split; None where there is no manifest or it cannot be used."""
    path = folder / MANIFEST
    if not path.is_file():
        return None, []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        manifest: _Manifest = {
            row["file"]: (row["sha256"], {k: float(v) for k, v in row.items() if k not in _NOT_PARAMETERS})
            for row in rows
        }
    except (KeyError, TypeError, ValueError, OSError, csv.Error) as error:
        return None, [f"{path} cannot be read ({error}); its columns are file,sha256,split,identity and numbers"]
    return manifest, []


def _pixels(photo: Photo, resolution: int) -> np.ndarray:
    """uint8 RGB ``[resolution, resolution, 3]``."""
    try:
        with open_image(photo.path) as image:
            if image.size == (resolution, resolution):  # by the header, before the costly part
                return np.asarray(decode(image))
            width, height = image.size
    except ImageFileError as error:
        raise DataError(f"{error}; replace it or take it away") from error
    raise DataError(
        f"{photo.path} is {width}x{height} pixels, this domain needs {resolution}x{resolution}; "
        "align and resize the photo or choose a domain of its size"
    )


def _raise(problems: list[str]) -> None:
    if problems:
        raise DataError("\n".join(problems))
