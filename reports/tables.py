"""The tables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.cost import cost
from reports.matched import at_matched_reach_table
from reports.runs import Run
from reports.scores import Scores
from reports.sweeps import Sweeps
from reports.table import Table


def files(made: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """Name and text of each file of the tables."""
    for table in made:
        for suffix, text in (("md", table.markdown()), ("tex", table.latex()), ("csv", table.csv())):
            yield f"{table.name}.{suffix}", text


def tables(run: Run) -> tuple[Table, ...]:
    """All tables of one run, the main one first."""
    if run.suite.is_sweep:
        return *Sweeps(run).tables(), cost(run)
    matched = at_matched_reach_table(run)
    return Scores(run).wide(), Scores(run).long(), cost(run), *([matched] if matched else [])
