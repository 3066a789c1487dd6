"""A user's images in and out: aligned portraits from a folder or a file, masks, and results written whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from mystyle.files import sha256, write_whole
from mystyle.image_files import SUFFIXES, ImageFileError, decode, list_images, open_image
from mystyle.types import Image, Mask, Portraits, from_uint8, to_uint8

Fit = Callable[[PIL.Image.Image, Path], PIL.Image.Image]  # to the size that is wanted, or ImageFileError


def read_portraits(source: Path, resolution: int) -> Portraits:
    """The images of a folder, sorted by name, or one image; larger square ones are reduced to ``resolution``.

    Raises ImageFileError with all that is wrong, a line each: nothing there, a file that is no image, one that is not
    square or smaller than ``resolution``, two of one name.
    """
    return _portraits(source, _read(source, lambda image, path: _reduced(image, path, resolution)))


def read_small(source: Path, resolution: int) -> tuple[Portraits, ...]:
    """Square images smaller than ``resolution``, as they are: one ``Portraits`` for each size that occurs.

    Raises ImageFileError as ``read_portraits`` does.
    """
    found = _read(source, lambda image, path: _square(image, path, below=resolution))
    sizes = sorted({len(pixels) for pixels in found.values()})
    return tuple(_portraits(source, {p: x for p, x in found.items() if len(x) == size}) for size in sizes)


def read_mask(path: Path, resolution: int) -> Mask:
    """[1, 1, resolution, resolution]: 1 where the image is light (known), 0 where it is dark (the hole).

    Raises ImageFileError if it is no image, not square, too small, or if it hides nothing or everything.
    """
    grey = _open(path, "L", lambda image, path: _reduced(image, path, resolution, PIL.Image.Resampling.NEAREST))
    mask = torch.from_numpy((grey > 127).astype(np.float32))[None, None]
    if mask.all() or not mask.any():
        hidden = "nothing" if mask.all() else "everything"
        raise ImageFileError(f"{path}: the mask hides {hidden}; black is the hole, white is known")
    return mask


def images_of(source: Path) -> list[Path]:
    """The image itself, or those of the folder by name. Raises ImageFileError where there is none."""
    if source.is_file():
        return [source]
    if not (found := list_images(source)):
        there = "holds no image" if source.is_dir() else "is neither an image nor a folder of images"
        raise ImageFileError(f"{source} {there}; the suffixes are {', '.join(SUFFIXES)}")
    return found


def write_image(path: Path, image: Image) -> None:
    """One image [3, h, w] as PNG, by way of a temporary name."""
    pixels = to_uint8(image.cpu()).permute(1, 2, 0).numpy()
    write_whole(path, lambda partial: PIL.Image.fromarray(pixels).save(partial))


def _read(source: Path, fit: Fit) -> dict[Path, np.ndarray]:
    """The pixels of every image by its path, uint8 [h, w, 3]."""
    paths, found = images_of(source), {}
    stems = Counter(path.stem for path in paths)
    problems = [f"{source}: {n} images are named {stem}" for stem, n in stems.items() if n > 1]
    for path in paths:
        try:
            found[path] = _open(path, "RGB", fit)
        except ImageFileError as error:
            problems.append(str(error))
    if problems:
        raise ImageFileError("\n".join(problems))
    return found


def _portraits(source: Path, found: Mapping[Path, np.ndarray]) -> Portraits:
    """Images of one size as tensors."""
    images = from_uint8(torch.from_numpy(np.stack(list(found.values()))).permute(0, 3, 1, 2).contiguous())
    return Portraits(source.stem, images, tuple(path.name for path in found), tuple(sha256(path) for path in found))


def _open(path: Path, mode: str, fit: Fit) -> np.ndarray:
    with open_image(path) as image:
        return np.array(fit(decode(image, mode), path))


def _reduced(
    image: PIL.Image.Image, path: Path, size: int, filter: PIL.Image.Resampling = PIL.Image.Resampling.LANCZOS
) -> PIL.Image.Image:
    width, height = image.size
    if width != height or width < size:
        raise ImageFileError(
            f"{path} is {width}x{height} pixels; aligned portraits are square and at least {size}x{size}"
        )
    return image if width == size else image.resize((size, size), filter)


def _square(image: PIL.Image.Image, path: Path, below: int) -> PIL.Image.Image:
    width, height = image.size
    if width != height or width >= below:
        raise ImageFileError(f"{path} is {width}x{height} pixels; to be enlarged it must be square and below {below}")
    return image
