"""A user's pictures in and out: aligned portraits from a folder or a file, masks, and results written whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from mystyle.checkpoints import sha256
from mystyle.files import write_whole
from mystyle.types import Image, Mask, Portraits, from_uint8, to_uint8

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
Fit = Callable[[PIL.Image.Image, Path], PIL.Image.Image]  # to the size that is wanted, or PictureError


class PictureError(ValueError):
    """Everything that is wrong with somebody's pictures, one line per problem."""


def read_portraits(source: Path, resolution: int) -> Portraits:
    """The pictures of a folder, sorted by name, or one picture; larger square ones are reduced to ``resolution``.

    Raises PictureError with all that is wrong: nothing there, a file that is no picture, one that is not square or
    smaller than ``resolution``, two of one name.
    """
    return _portraits(source, _read(source, lambda picture, path: _reduced(picture, path, resolution)))


def read_small(source: Path, resolution: int) -> tuple[Portraits, ...]:
    """Square pictures smaller than ``resolution``, as they are: one ``Portraits`` for each size that occurs.

    Raises PictureError as ``read_portraits`` does.
    """
    found = _read(source, lambda picture, path: _square(picture, path, below=resolution))
    sizes = sorted({len(pixels) for pixels in found.values()})
    return tuple(_portraits(source, {p: x for p, x in found.items() if len(x) == size}) for size in sizes)


def read_mask(path: Path, resolution: int) -> Mask:
    """[1, 1, resolution, resolution]: 1 where the picture is light (known), 0 where it is dark (the hole).

    Raises PictureError if it is no picture, not square, too small, or if it hides nothing or everything.
    """
    grey = _open(path, "L", lambda picture, path: _reduced(picture, path, resolution, PIL.Image.Resampling.NEAREST))
    mask = torch.from_numpy((grey > 127).astype(np.float32))[None, None]
    if mask.all():
        raise PictureError(f"{path}: the mask hides nothing; black is the hole, white is known")
    if not mask.any():
        raise PictureError(f"{path}: the mask hides everything; black is the hole, white is known")
    return mask


def list_pictures(source: Path) -> list[Path]:
    """The picture itself, or those of the folder by name. Raises PictureError where there is none."""
    if source.is_file():
        return [source]
    found = sorted(p for p in source.glob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not found:
        there = "holds no picture" if source.is_dir() else "does not exist"
        raise PictureError(f"{source} {there}; give a picture or a folder of {', '.join(SUFFIXES)} files")
    return found


def write_picture(path: Path, image: Image) -> None:
    """One image [3, h, w] as PNG, by way of a temporary name."""
    pixels = to_uint8(image.cpu()).permute(1, 2, 0).numpy()
    write_whole(path, lambda partial: PIL.Image.fromarray(pixels).save(partial))


def _read(source: Path, fit: Fit) -> dict[Path, np.ndarray]:
    """The pixels of every picture by its path, uint8 [h, w, 3]."""
    paths, found = list_pictures(source), {}
    stems = Counter(path.stem for path in paths)
    problems = [f"{source}: {n} pictures are named {stem}" for stem, n in stems.items() if n > 1]
    for path in paths:
        try:
            found[path] = _open(path, "RGB", fit)
        except PictureError as error:
            problems.append(str(error))
    if problems:
        raise PictureError("\n".join(problems))
    return found


def _portraits(source: Path, found: Mapping[Path, np.ndarray]) -> Portraits:
    """Pictures of one size as tensors."""
    images = from_uint8(torch.from_numpy(np.stack(list(found.values()))).permute(0, 3, 1, 2).contiguous())
    return Portraits(source.stem, images, tuple(path.name for path in found), tuple(sha256(path) for path in found))


def _open(path: Path, mode: str, fit: Fit) -> np.ndarray:
    try:
        with PIL.Image.open(path) as picture:
            return np.array(fit(picture.convert(mode), path))
    except PictureError:
        raise
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise PictureError(f"{path} cannot be decoded ({error})") from error


def _reduced(
    picture: PIL.Image.Image, path: Path, size: int, filter: PIL.Image.Resampling = PIL.Image.Resampling.LANCZOS
) -> PIL.Image.Image:
    width, height = picture.size
    if width != height or width < size:
        raise PictureError(
            f"{path} is {width}x{height} pixels; aligned portraits are square and at least {size}x{size}"
        )
    return picture if width == size else picture.resize((size, size), filter)


def _square(picture: PIL.Image.Image, path: Path, below: int) -> PIL.Image.Image:
    width, height = picture.size
    if width != height or width >= below:
        raise PictureError(f"{path} is {width}x{height} pixels; to be enlarged it must be square and below {below}")
    return picture
