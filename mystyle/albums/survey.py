"""From the files of an album to the usable faces in them: decoded, found, aligned, judged and embedded.

Photos are taken a few at a time and portraits go to files at once, so that memory does not grow with the album.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mystyle.albums.align import crop_of, portrait
from mystyle.albums.detect import Detector, Face, Pixels
from mystyle.albums.duplicates import thumbnail
from mystyle.albums.filters import Filters, Geometry, Look, geometric_fault, geometry_of, look_of, visible_fault
from mystyle.albums.people import Recogniser
from mystyle.files import sha256
from mystyle.image_files import HEIC_SUFFIXES, SUFFIXES, ImageFileError, album_formats, decode, open_image, taken
from mystyle.progress import report

T = TypeVar("T")

PREVIEW = 128  # pixels a side of an image on a contact sheet
AT_ONCE = 8  # photos in memory
PIXELS_AT_ONCE = 64_000_000


@dataclass(frozen=True, eq=False)
class Candidate:
    """A usable face: its portrait is the file ``path``."""

    path: Path
    face: Face
    geometry: Geometry
    look: Look
    thumbnail: NDArray[np.float64]
    preview: Pixels
    vector: NDArray[np.float64]  # the recogniser's, of unit norm


@dataclass(eq=False)
class Seen:
    """A file of the album and what was found in it; ``fault`` says why it has no candidate."""

    source: Path
    number: int  # in the album
    sha256: str
    fault: str = ""
    taken: datetime | None = None
    preview: Pixels = field(default_factory=lambda: np.full((PREVIEW, PREVIEW, 3), 255, np.uint8))
    candidates: list[Candidate] = field(default_factory=list)
    refused: tuple[Face, Geometry | None, Look | None] | None = None  # the largest face, where none is usable


@dataclass(frozen=True, eq=False)
class Survey:
    """How an album is looked at: portraits of ``resolution`` pixels a side are written into ``folder``."""

    folder: Path
    detect: Detector
    recogniser: Recogniser
    filters: Filters
    resolution: int

    def __call__(self, files: Sequence[Path]) -> list[Seen]:
        """What the ``files`` show, in their order."""
        photos: list[Seen] = []
        with one_thread():
            for batch in ahead(decoded(files)):
                shown = [(photo, pixels) for photo, pixels in batch if pixels is not None]
                found = self.detect([pixels for _, pixels in shown])
                for (photo, pixels), faces in zip(shown, found, strict=True):
                    self.examine(photo, pixels, faces)
                photos += [photo for photo, _ in batch]
                report("curating", len(photos), len(files))
        return photos

    def examine(self, photo: Seen, pixels: Pixels, faces: Sequence[Face]) -> None:
        """Makes candidates of the usable ``faces`` of a photo, or notes why there is none."""
        images, known = list[Pixels](), list[tuple[Face, Geometry, Look]]()
        for face in faces:
            image, fault, geometry, look = self.judge(pixels, face)
            if image is not None and geometry is not None and look is not None:
                images.append(image)
                known.append((face, geometry, look))
            elif not photo.fault:  # of the largest face, which comes first
                photo.fault, photo.refused = fault, (face, geometry, look)
        if not images:
            photo.fault = photo.fault or "no face found"
            return
        photo.fault, photo.refused = "", None
        vectors = embedded(images, self.recogniser)
        for i, (image, vector, facts) in enumerate(zip(images, vectors, known, strict=True)):
            path = self.folder / f"{photo.number}-{i}.png"
            PIL.Image.fromarray(image).save(path)
            photo.candidates.append(Candidate(path, *facts, thumbnail(image), preview_of(image), vector))

    def judge(self, pixels: Pixels, face: Face) -> tuple[Pixels | None, str, Geometry | None, Look | None]:
        """The portrait of a face, or why there is none, and what was measured."""
        try:
            crop = crop_of(face.points)
        except ValueError as error:
            return None, f"hardly a face: {error}", None, None
        geometry = geometry_of(face, crop, pixels.shape[1], pixels.shape[0])
        if fault := geometric_fault(geometry, self.filters):
            return None, fault, geometry, None
        image = portrait(pixels, crop, self.resolution)
        look = look_of(image)
        fault = visible_fault(look, self.filters)
        return (None if fault else image), fault, geometry, look


@contextmanager
def one_thread() -> Iterator[None]:
    """Runs torch with one thread: these networks are so small that several wait for each other most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ahead(batches: Iterator[T]) -> Iterator[T]:
    """The same, each made by another thread while the caller works on the one before."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def decoded(files: Sequence[Path]) -> Iterator[list[tuple[Seen, Pixels | None]]]:
    """Files with their pixels, a few at a time; None for what cannot be read, with the reason."""
    batch: list[tuple[Seen, Pixels | None]] = []
    for number, path in enumerate(files):
        batch.append(read(path, number))
        size = sum(pixels.size for _, pixels in batch if pixels is not None) / 3
        if len(batch) == AT_ONCE or size > PIXELS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def read(path: Path, number: int) -> tuple[Seen, Pixels | None]:
    """A file and its pixels; None with the reason for what is no photo."""
    suffix = path.suffix.lower()
    try:
        photo = Seen(path, number, sha256(path))
    except OSError as error:
        return Seen(path, number, "", f"cannot be read: {error.strerror}"), None
    if suffix not in SUFFIXES + HEIC_SUFFIXES:
        photo.fault = f"no photo: the suffix is none of {', '.join(SUFFIXES + HEIC_SUFFIXES)}"
        return photo, None
    formats = album_formats()
    if suffix in HEIC_SUFFIXES and "HEIF" not in formats:
        photo.fault = "HEIC without pillow-heif: pip install pillow-heif, or convert it to JPEG"
        return photo, None
    try:
        with open_image(path, formats) as image:
            photo.taken = taken(image)
            pixels = np.asarray(decode(image))
    except ImageFileError as error:
        photo.fault = f"unreadable: {str(error).removeprefix(str(path)).strip()}"
        return photo, None
    photo.preview = preview_of(pixels)
    return photo, pixels


def embedded(portraits: Sequence[Pixels], recogniser: Recogniser) -> NDArray[np.float64]:
    """[n, d] of n portraits of one size."""
    import torch

    from mystyle.types import from_uint8

    images = from_uint8(torch.from_numpy(np.stack(portraits)).permute(0, 3, 1, 2).contiguous())
    return np.asarray(recogniser.embed(images).double())


def preview_of(pixels: Pixels) -> Pixels:
    """The whole image within ``PREVIEW`` x ``PREVIEW``, the rest white."""
    image = PIL.Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW), PIL.Image.Resampling.BOX, reducing_gap=2.0)
    canvas = PIL.Image.new("RGB", (PREVIEW, PREVIEW), "white")
    canvas.paste(image, ((PREVIEW - image.width) // 2, (PREVIEW - image.height) // 2))
    return np.asarray(canvas)
