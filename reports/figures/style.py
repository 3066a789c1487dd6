"""How figures look, and what their kinds have in common: images edge to edge, panels, files."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 240
CELL, GAP, SIDE, LINE = 240, 8, 76, 26  # dots: an image, between two, the labels at the side, a line of a title
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so every machine renders the same letters
    "font.size": 7,
    "pdf.fonttype": 42,  # letters stay letters in the PDF
    "axes.linewidth": 0.5,
    "savefig.facecolor": "white",
    "text.parse_math": False,  # a dollar sign in a name is one
}
KINDS = {"method": "#1f4e8c", "floor": "#8a8a8a", "ceiling": "#8a8a8a"}
PUBLISHED = "#b5562b"
COLOURS = ("#1f4e8c", "#b5562b", "#3b7d3b", "#7a4a9e", "#222222", "#c79a00", "#2a9d9d", "#8a8a8a")
# Distinct in grey. Their number and the colours' have no common divisor: a ninth line looks like none before it.
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
APART = 0.11  # of an axis: the distance of two numbers of three digits
BLANK = ""  # a cell with nothing in it, where None is a result that is missing

Cell = Path | None | str


def line(i: int) -> dict[str, Any]:
    """Colour and dashes of the ``i``-th of any number of lines."""
    return {"color": COLOURS[i % len(COLOURS)], "ls": DASHES[i % len(DASHES)]}


def sheet(
    rows: Sequence[Sequence[Cell]],
    *,
    titles: Sequence[str] = (),
    labels: Sequence[str] = (),
    notes: Sequence[Sequence[str]] = (),
    cell: int = CELL,
) -> Figure:
    """Images edge to edge with a hair between, titles on top, labels at the side, notes below the images."""
    from matplotlib.figure import Figure

    titles = [wrap(title) for title in titles]
    columns = max(len(row) for row in rows)
    top = LINE // 2 + LINE * max((title.count("\n") + 1 for title in titles), default=0)
    under = LINE if notes else 0
    width, pitch = SIDE + columns * (cell + GAP), cell + GAP + under
    height = top + len(rows) * pitch
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    for r, row in enumerate(rows):
        y = height - top - r * pitch - cell  # dots from below, so that images are shown dot by dot
        for c, path in enumerate(row):
            x = SIDE + c * (cell + GAP)
            if path != BLANK:
                show(figure.add_axes((x / width, y / height, cell / width, cell / height)), path, cell)
            if notes and notes[r][c]:
                figure.text((x + cell / 2) / width, (y - 4) / height, notes[r][c], ha="center", va="top", fontsize=6)
        if labels:
            label = _narrow(labels[r], cell)
            size = 6.5 * min(1.0, 3 / (label.count("\n") + 1))  # three lines of it fill the side
            place: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "fontsize": size}
            figure.text(SIDE / 2 / width, (y + cell / 2) / height, label, **place)
    for c, title in enumerate(titles):
        middle = SIDE + c * (cell + GAP) + cell / 2
        figure.text(middle / width, 1 - (top - GAP) / height, title, ha="center", va="bottom", linespacing=1.0)
    return figure


def _narrow(label: str, cell: int) -> str:
    """A label in lines that are not longer than the side of a cell; names of folders break at their underscores."""
    return "\n".join(wrap(line, max(10, cell // 12)) for line in label.replace("_", " ").split("\n"))


def show(axes: Axes, path: Cell, cell: int = CELL) -> None:
    """One image enlarged by Lanczos to the dots of its cell, or a crossed empty cell."""
    import numpy as np
    from PIL import Image

    from mystyle.image_files import decode, open_image

    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(path is None)
    if path is None:
        axes.text(0.5, 0.5, "no result", ha="center", va="center", color="0.5", transform=axes.transAxes)
        return
    with open_image(Path(path)) as image:
        small = image.width < cell // 4  # an input of super-resolution: its pixels are what is to be seen
        way = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        large = decode(image).resize((cell, cell), way)
    axes.imshow(np.asarray(large), interpolation="none", aspect="auto")


def plain(panel: Axes, grid: Literal["both", "x", "y"]) -> None:
    """A panel with thin lines and no frame on top and right."""
    panel.grid(axis=grid, lw=0.3, color="0.88")
    panel.set_axisbelow(True)
    panel.tick_params(length=2, width=0.5)
    panel.spines[["top", "right"]].set_visible(False)


def log_ticks(panel: Axes, levels: Sequence[float]) -> None:
    """A logarithmic axis with a tick at each of ``levels``, in the order of who has most of them.

    A number that would touch one that is there is left out.
    """
    import numpy as np

    ticks = [level for level, _ in Counter(levels).most_common()]
    apart = APART * np.log(max(ticks) / min(ticks))
    numbered: list[float] = []
    for tick in ticks:
        if all(abs(np.log(tick / other)) >= apart for other in numbered):
            numbered.append(tick)
    panel.set_xscale("log")
    names = {tick: f"{tick:.0f}" if tick >= 10 else f"{tick:g}" for tick in numbered}
    panel.set_xticks(ticks, [names.get(tick, "") for tick in ticks], fontsize=6)
    panel.minorticks_off()


def wrap(title: str, width: int = 16) -> str:
    """A title in lines of about ``width`` letters; an arrow at its end stays with the last word."""
    words, arrow = (title[:-2], title[-2:]) if title.endswith((" \u2191", " \u2193")) else (title, "")
    return ("\n".join(textwrap.wrap(words, width)) or words) + arrow


def save(figure: Figure, path: Path) -> None:
    """PNG and PDF without the date and the version that would make equal runs differ."""
    figure.savefig(path.with_name(path.name + ".png"), dpi=DPI, metadata={"Software": None})
    figure.savefig(path.with_name(path.name + ".pdf"), dpi=DPI, metadata={"CreationDate": None, "Producer": None})
