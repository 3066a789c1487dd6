"""The table of an editing suite over the cases that every method edited as far as was wanted."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.analysis.matched import TOLERANCE, at_matched_reach
from benchmarks.analysis.statistics import summarise
from reports.runs import Run
from reports.scores import Scores
from reports.table import Table


def at_matched_reach_table(run: Run) -> Table | None:
    """None where nothing was edited, or where there is no such case."""
    results = at_matched_reach(run.results, [method.name for method in run.methods if method.kind == "method"])
    if results.empty:
        return None
    counted = set(results["metric"])
    suite = replace(
        run.suite,
        name=f"{run.suite.name}_matched",
        title=f"{run.title} at matched reach, the cases with an edit error of at most {TOLERANCE:g} by every method",
        metrics=tuple(metric for metric in run.suite.metrics if metric.name in counted),
        conditions=tuple(c for c in run.conditions if c.name in set(results["condition"])),
        published=(),
    )
    return Scores(replace(run, suite=suite, results=results, summary=summarise(results, suite), study=None)).wide()
