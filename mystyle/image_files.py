"""Image files as 8-bit pixels, for every reader of photos, masks and results. No torch.

A file is read as PNG, JPEG or WebP, whatever its name: Pillow would otherwise choose among all its formats by content,
one of which runs a program (EPS, in Ghostscript). Images come out upright (EXIF orientation) and with 16-bit grey
scaled to 8 bits. Transparent pixels are refused, because any background put behind them would become part of a photo.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ImageFile, ImageOps, UnidentifiedImageError

from mystyle.files import require_regular

FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class ImageFileError(OSError, ValueError):
    """An image file that cannot be read; the message names it. An OSError to whoever reads a run, as Pillow's are."""


def list_images(folder: Path) -> list[Path]:
    """What has the suffix of an image and is not hidden, sorted by name; none where there is no folder."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


def open_image(path: Path) -> ImageFile.ImageFile:
    """The image by its header, to be closed by ``with``; pixels are decoded later. Raises ImageFileError."""
    try:
        require_regular(path)
        return PIL.Image.open(path, formats=FORMATS)
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
