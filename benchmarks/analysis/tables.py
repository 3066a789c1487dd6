"""results.csv and summary.csv, which are derived from records and may be deleted at any time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.analysis.statistics import summarise
from benchmarks.engine import records

if TYPE_CHECKING:
    import pandas as pd


def rebuild(run: Path) -> pd.DataFrame:
    """Writes both tables anew from the records of the current jobs; returns the summary."""
    results = records.read_results(run)
    records.write_text(run / "results.csv", records.csv_text(results[list(records.COLUMNS)]))
    summary = summarise(results, records.read_suite(run))
    records.write_text(run / "summary.csv", records.csv_text(summary))
    return summary
