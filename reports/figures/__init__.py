"""Figures of a run. Each kind is a file; the suite says which ones it wants, in suite.json.

A kind has ``draw(run, spec)`` and ``FACES``, whether it shows pictures of people, which decides who may see it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.figures.style import STYLE, save
from reports.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """What a kind of figure gives; the caption is what it says beyond the suite's."""

    figure: Figure
    caption: str
    alt: str  # words for who cannot see it


@dataclass(frozen=True)
class Picture:
    """A figure that was written: its files' common path without suffix, a caption, and words for who cannot see it."""

    path: Path
    caption: str
    alt: str
    faces: bool  # whether it shows pictures of people
    names: tuple[str, ...]  # people whose names are written in it


def draw(run: Run, folder: Path) -> tuple[Picture, ...]:
    """Writes every figure of the run into ``folder`` as PNG and PDF; those that have nothing to show are left out."""
    import matplotlib as mpl

    mpl.use("Agg")
    specs: list[Mapping[str, Any]] = list(run.suite.get("figures", []))
    if not run.suite.get("dose"):
        specs.append({"kind": "intervals", "name": f"{run.suite['suite']}_metrics", "caption": ""})
    pictures = []
    with mpl.rc_context(STYLE):
        for spec in specs:
            kind = importlib.import_module(f"reports.figures.{spec['kind']}")
            drawing = kind.draw(run, spec)
            if drawing is not None:
                path = folder / spec["name"]
                save(drawing.figure, path)
                caption = " ".join(part for part in (spec["caption"], drawing.caption, run.caption) if part)
                names = _names_in(drawing.figure, run)
                pictures.append(Picture(path, caption, drawing.alt, kind.FACES, names))
    return tuple(pictures)


def _names_in(figure: Figure, run: Run) -> tuple[str, ...]:
    """The run's people whose names are among the figure's words: of a legend, say."""
    from matplotlib.text import Text

    words = "\n".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))
    people = sorted({name for record in run.records for name in (record["person"], record["prior_of"])})
    return tuple(name for name in people if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words))
