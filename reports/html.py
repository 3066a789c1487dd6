"""The page of a run: tables, figures, every case with its pictures, costs, failures and environment in one file."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.figures import Picture
from reports.runs import Case, Run
from reports.table import Table


def page(run: Run, tables: Sequence[Table], pictures: Sequence[Picture], folder: Path) -> str:
    """The HTML text. Figures are embedded; pictures of the cases are links relative to ``folder``, its place."""
    config = run.folder / "config.yaml"
    titles = {method["name"]: method["title"] for method in run.methods}
    return (
        _templates(folder)
        .get_template("report.html.j2")
        .render(
            run=run,
            tables=tables,
            pictures=pictures,
            titles=titles,
            people=[(person, list(cases)) for person, cases in groupby(_shown(run), key=lambda case: case.person)],
            failures=list(_failures(run)),
            environment=list(_flat(run.environment)),
            config=config.read_text(encoding="utf-8") if config.is_file() else "",
        )
    )


def _shown(run: Run) -> list[Case]:
    """The cases that have a picture: of thousands of samples only some are kept."""
    return [case for case in run.cases if case.outputs or case.input]


def index(runs: Sequence[Run], folder: Path) -> str:
    """A page that leads to the reports of several runs, whose main tables and first figures it shows."""
    entries = []
    for run in runs:
        figures = sorted((run.folder / "report" / "figures").glob("*.png"))
        main = run.folder / "report" / "figures" / f"{run.suite['suite']}.png"
        entries.append((run, main if main in figures else next(iter(figures), None)))
    return _templates(folder).get_template("index.html.j2").render(entries=entries)


def _failures(run: Run) -> Iterator[tuple[str, str, str, int]]:
    """(method, person, reason, rows), a line per reason: what did not give a number."""
    failed = run.results[run.results["status"] == "failed"].fillna({"reason": "no reason recorded"})
    for (method, person, reason), rows in failed.groupby(["method", "person", "reason"], sort=False):
        yield method, person, reason, len(rows)


def _templates(folder: Path) -> Environment:
    """The templates of pages that lie in ``folder``."""
    templates = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["link"] = lambda path: quote(Path(os.path.relpath(path, folder)).as_posix())
    templates.filters["embed"] = lambda path: base64.b64encode(Path(f"{path}.png").read_bytes()).decode("ascii")
    return templates


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested JSON as lines of a dotted name and a value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, "unknown" if value is None else str(value)
