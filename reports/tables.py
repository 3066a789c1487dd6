"""The tables of a run."""

from __future__ import annotations

from reports.cost import cost
from reports.runs import Run
from reports.scores import Scores
from reports.sweeps import Sweeps
from reports.table import Table


def tables(run: Run) -> tuple[Table, ...]:
    """All tables of one run, the main one first."""
    made = Sweeps(run).tables() if run.suite.is_sweep else (Scores(run).wide(), Scores(run).long())
    return *made, cost(run)
