"""Image files as 8-bit pixels, for every reader of photos, masks and results. No torch.

A file is read as PNG, JPEG or WebP, whatever its name: Pillow would otherwise choose among all its formats by content,
one of which runs a program (EPS, in Ghostscript). Albums may hold HEIC too, for which the user installs a package.
Images come out upright (EXIF orientation) and with 16-bit grey scaled to 8 bits. Transparent pixels are refused,
because any background put behind them would become part of a photo.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ExifTags, ImageFile, ImageOps, UnidentifiedImageError

from mystyle.files import require_regular

FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
HEIC_SUFFIXES = (".heic", ".heif")


class ImageFileError(OSError, ValueError):
    """An image file that cannot be read; the message names it. An OSError to whoever reads a run, as Pillow's are."""


def list_images(folder: Path) -> list[Path]:
    """What has the suffix of an image and is not hidden, sorted by name; none where there is no folder."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


@cache
def album_formats() -> tuple[str, ...]:
    """``FORMATS``, and HEIC as telephones write it where the user has installed the package pillow-heif."""
    if find_spec("pillow_heif") is None:
        return FORMATS
    import_module("pillow_heif").register_heif_opener()
    return (*FORMATS, "HEIF")


def open_image(path: Path, formats: tuple[str, ...] = FORMATS) -> ImageFile.ImageFile:
    """The image by its header, to be closed by ``with``; pixels are decoded later. Raises ImageFileError."""
    try:
        require_regular(path)
        return PIL.Image.open(path, formats=formats)
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{path} cannot be decoded (it is no PNG, JPEG or WebP image)") from error
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise ImageFileError(f"{path} cannot be decoded ({getattr(error, 'strerror', None) or error})") from error


def decode(image: ImageFile.ImageFile, mode: str = "RGB") -> PIL.Image.Image:
    """An opened image in 8 bits, upright: ``mode`` is RGB or L. Raises ImageFileError, also for transparent pixels."""
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data and upright.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            raise ImageFileError(f"{image.filename!s} has transparent pixels; put it on a background first")
        if upright.mode.startswith("I"):  # 16-bit grey, which ``convert`` would clip at 255
            upright = PIL.Image.fromarray(np.rint(np.asarray(upright) / 257).astype(np.uint8))
        return upright.convert(mode)
    except ImageFileError:
        raise
    except Exception as error:  # damaged data raise whatever their decoder, or that of their EXIF, does not expect
        raise ImageFileError(f"{image.filename!s} cannot be decoded ({error})") from error


def read_pixels(path: Path) -> np.ndarray:
    """uint8 RGB [h, w, 3]. Raises ImageFileError."""
    with open_image(path) as image:
        return np.array(decode(image))


def taken(image: ImageFile.ImageFile) -> datetime | None:
    """When the photo was taken by the camera's clock, from EXIF; None where it does not say so legibly."""
    try:
        text = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S") if text else None
    except Exception:  # damaged EXIF raises whatever its decoder does not expect; the pixels do not depend on it
        return None
