"""Figures of a run. Each kind is a file; suite.json names the ones that a suite has.

A kind has ``draw(run, options)`` and ``FACES``, whether it shows images of people, which decides who may see it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engine.records import FigureRecord, RecordError
from reports.figures.style import STYLE, save
from reports.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {module.name for module in pkgutil.iter_modules(__path__)} - {"style"}


@dataclass(frozen=True)
class Drawing:
    """What a kind of figure gives; the caption is added to the suite's."""

    figure: Figure
    caption: str
    alt: str  # the text alternative


@dataclass(frozen=True)
class FigureFile:
    """A figure that was written: its files' common path without suffix, its caption and its text alternative."""

    path: Path
    caption: str
    alt: str
    faces: bool  # whether it shows images of people
    names: tuple[str, ...]  # people whose names are written in it


def draw(run: Run, folder: Path) -> tuple[FigureFile, ...]:
    """Writes every figure of the run into ``folder`` as PNG and PDF; those that have nothing to show are left out.

    Raises RecordError if suite.json has a kind of figure, or options, that this version does not know.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    specs = list(run.suite.figures)
    if not run.suite.is_sweep:
        specs.append(FigureRecord(kind="intervals", name=f"{run.suite.name}_metrics"))
    if unknown := {spec.kind for spec in specs} - KINDS:
        raise RecordError(f"{run.folder}: suite.json has figures of an unknown kind ({min(unknown)!a:.80})")
    made = []
    with mpl.rc_context(STYLE):
        for spec in specs:
            kind = importlib.import_module(f"reports.figures.{spec.kind}")
            try:
                drawing = kind.draw(run, spec.options)
            except (KeyError, TypeError, ValueError) as error:
                way_out = "run the suite again"
                raise RecordError(f"{run.folder}: figure {spec.name} cannot be made ({error!r}); {way_out}") from error
            if drawing is not None:
                path = folder / spec.name
                save(drawing.figure, path)
                caption = " ".join(part for part in (spec.caption, drawing.caption, run.caption) if part)
                made.append(FigureFile(path, caption, drawing.alt, kind.FACES, _names_in(drawing.figure, run)))
    return tuple(made)


def _names_in(figure: Figure, run: Run) -> tuple[str, ...]:
    """The run's people whose names are written in the figure, in a legend for instance."""
    from matplotlib.text import Text

    words = "\n".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))
    people = sorted({name for record in run.records for name in (record.person, record.prior_of)})
    return tuple(name for name in people if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words))
