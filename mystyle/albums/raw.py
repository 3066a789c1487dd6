"""Whether a folder holds photos as they are, or portraits that are aligned already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mystyle.albums.align import crop_of
from mystyle.albums.detect import Detector, Pixels
from mystyle.image_files import HEIC_SUFFIXES, ImageFileError, decode, list_images, open_image

LOOKED_AT = 8  # photos, spread over the folder
OFF = 0.08  # of the side: how far the corners of FFHQ's square are from those of an aligned portrait, on average


def is_raw(folder: Path, resolution: int, detect: Detector) -> bool:
    """Whether the photos have to be curated: they are not all square of ``resolution`` or more, or not aligned.

    The sizes of all are looked at, the faces of ``LOOKED_AT`` of them; a photo in which the detector finds no face says
    nothing. Files that cannot be read are left to whoever reads the folder next.
    """
    if any(path.suffix.lower() in HEIC_SUFFIXES for path in folder.glob("*")):
        return True
    paths = list_images(folder)
    sizes = {path: size for path in paths if (size := size_of(path))}
    if any(width != height or width < resolution for width, height in sizes.values()):
        return True
    readable = list(sizes)
    chosen = readable[:: max(1, len(readable) // LOOKED_AT)][:LOOKED_AT]
    offsets = [off for path in chosen if (off := offset(path, detect)) is not None]
    return bool(offsets) and float(np.median(offsets)) > OFF


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height by the header; None where it cannot be read."""
    try:
        with open_image(path) as image:
            return image.size
    except ImageFileError:
        return None


def offset(path: Path, detect: Detector) -> float | None:
    """How far the photo is from FFHQ's square of its largest face, in sides; None where no face is found."""
    try:
        with open_image(path) as image:
            pixels: Sequence[Pixels] = [np.asarray(decode(image))]
    except ImageFileError:
        return None
    if not (faces := detect(pixels)[0]):
        return None
    side = len(pixels[0])
    corners = np.array([[0, 0], [0, side], [side, side], [side, 0]])
    return float(np.hypot(*(crop_of(faces[0].points).corners - corners).T).mean() / side)
