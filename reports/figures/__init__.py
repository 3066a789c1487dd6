"""Figures of a run. Each kind is a file with ``draw(run, spec)``; the suite says which ones it wants, in suite.json."""

from __future__ import annotations

import importlib
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
            drawing = importlib.import_module(f"reports.figures.{spec['kind']}").draw(run, spec)
            if drawing is not None:
                path = folder / spec["name"]
                save(drawing.figure, path)
                caption = " ".join(part for part in (spec["caption"], drawing.caption, run.caption) if part)
                pictures.append(Picture(path, caption, drawing.alt))
    return tuple(pictures)
