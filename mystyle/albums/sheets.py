"""Contact sheets of an album: what was kept, and what was rejected with the reason under each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mystyle.albums.detect import Pixels
from mystyle.files import printable

COLUMNS, ROWS = 8, 12  # images on a sheet; further ones go onto further sheets
LINES, LINE, LETTERS = 4, 13, 22  # of a caption: their number, dots of each, and what fits into one


def captioned_sheets(folder: Path, name: str, previews: Sequence[Pixels], captions: Sequence[tuple[str, str]]) -> None:
    """Writes ``name``.png, ``name``_2.png, ... of previews [R, R, 3] with two texts under each; nothing for none."""
    page = COLUMNS * ROWS
    for start in range(0, len(previews), page):
        number = f"_{start // page + 1}" if start else ""
        shown = slice(start, start + page)
        captioned_grid(folder / f"{name}{number}.png", previews[shown], [caption(*pair) for pair in captions[shown]])


def caption(name: str, text: str) -> list[str]:
    """The lines under an image: its file's name, shortened in the middle, and the text."""
    name = printable(name)
    if len(name) > LETTERS:
        name = f"{name[: LETTERS // 2 - 1]}…{name[-LETTERS // 2 :]}"
    return [name, *textwrap.wrap(printable(text), LETTERS, max_lines=LINES - 1, placeholder="…")]


def captioned_grid(path: Path, previews: Sequence[Pixels], captions: Sequence[Sequence[str]]) -> None:
    """One sheet, in rows of ``COLUMNS``, written whole."""
    import torch
    from matplotlib.figure import Figure

    from mystyle.types import from_uint8
    from mystyle.workbench.sheets import DPI, mosaic

    images = torch.from_numpy(np.stack(previews)).permute(0, 3, 1, 2)
    cells = torch.nn.functional.pad(from_uint8(images), (0, 0, 0, LINES * LINE), value=1.0)
    columns = min(COLUMNS, len(previews))
    pixels = mosaic(cells, columns)
    height, width = pixels.shape[:2]
    row, column, bottom = cells.shape[2], cells.shape[3], images.shape[2]
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.figimage(pixels, resize=False)
    for i, lines in enumerate(captions):
        x, y = i % columns * column + 2, i // columns * row + bottom + 1
        for k, line in enumerate(lines):
            top = 1 - (y + k * LINE) / height
            figure.text(x / width, top, line, fontsize=6.5, va="top", parse_math=False)  # a name may hold a $
    figure.savefig(path)
