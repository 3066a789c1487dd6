"""Figures in few bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

LARGE = 300_000  # bytes of a PNG, above which it is one of a figure that is made of images
QUALITY = 87  # of JPEG


def compact(path: Path) -> tuple[Literal["png", "jpeg"], bytes]:
    """The PNG at ``path`` as it is, or as a JPEG where it is large: the kind, and the file's content."""
    content = path.read_bytes()
    if len(content) <= LARGE:
        return "png", content
    from mystyle.image_files import decode, open_image

    file = io.BytesIO()
    with open_image(path) as image:
        decode(image).save(file, "JPEG", quality=QUALITY, optimize=True)
    return "jpeg", file.getvalue()
