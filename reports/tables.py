"""The tables of a run."""

from __future__ import annotations

from reports.cost import cost
from reports.matched import at_matched_reach_table
from reports.runs import Run
from reports.scores import Scores
from reports.sweeps import Sweeps
from reports.table import Table


def tables(run: Run) -> tuple[Table, ...]:
    """All tables of one run, the main one first."""
    if run.suite.is_sweep:
        return *Sweeps(run).tables(), cost(run)
    matched = at_matched_reach_table(run)
    return Scores(run).wide(), Scores(run).long(), cost(run), *([matched] if matched else [])
