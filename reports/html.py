"""The page of a run: tables, figures, every case with its images, costs, failures and environment in one file."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.engine.records import flat
from reports.compact import compact
from reports.figures import FigureFile
from reports.runs import Case, Run
from reports.table import Table


def page(run: Run, tables: Sequence[Table], figures: Sequence[FigureFile], folder: Path) -> str:
    """The HTML text. Figures are embedded; images of the cases are links relative to ``folder``, its place."""
    config = run.folder / "config.yaml"
    titles = {method.name: method.title for method in run.methods}
    return (
        templates(folder)
        .get_template("report.html.j2")
        .render(
            run=run,
            tables=tables,
            figures=figures,
            titles=titles,
            people=[(person, list(cases)) for person, cases in groupby(_shown(run), key=lambda case: case.person)],
            failures=list(_failures(run)),
            environment=[(name, "unknown" if value is None else value) for name, value in flat(run.environment)],
            config=config.read_text(encoding="utf-8") if config.is_file() else "",
        )
    )


def _shown(run: Run) -> list[Case]:
    """The cases that have an image: of thousands of samples only some are kept."""
    return [case for case in run.cases if case.outputs or case.input]


def index(runs: Sequence[Run], folder: Path) -> str:
    """A page that leads to the reports of several runs, whose main tables and first figures it shows."""
    entries = []
    for run in runs:
        figures = sorted((run.folder / "report" / "figures").glob("*.png"))
        main = run.folder / "report" / "figures" / f"{run.suite.name}.png"
        entries.append((run, main if main in figures else next(iter(figures), None)))
    return templates(folder).get_template("index.html.j2").render(entries=entries)


def _failures(run: Run) -> Iterator[tuple[str, str, str, int]]:
    """(method, person, reason, rows), a line per reason: what did not give a number."""
    failed = run.results[run.results["status"] == "failed"].replace({"reason": {"": "no reason recorded"}})
    for (method, person, reason), rows in failed.groupby(["method", "person", "reason"], sort=False):
        yield method, person, reason, len(rows)


def templates(folder: Path) -> Environment:
    """The templates of pages that lie in ``folder``."""
    made = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["link"] = lambda path: quote(Path(os.path.relpath(path, folder)).as_posix())
    made.filters["embed"] = embedded
    return made


def embedded(figure: Path) -> str:
    """The data URI of a figure's PNG, whose name lacks its suffix; those of images are embedded as JPEG."""
    kind, content = compact(Path(f"{figure}.png"))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
