"""What a run cost: seconds and megabytes of every row."""

from __future__ import annotations

import math

import pandas as pd

from reports.runs import Run
from reports.table import DASH, Cell, Table, row_title


def cost(run: Run) -> Table:
    """Seconds per stage and megabytes of the jobs that are done: a fit per person, the other stages per image."""
    jobs = run.jobs
    units = {"fit": "person", "restore": "image", "draw": "image", "score": "image"}
    units = {stage: unit for stage, unit in units.items() if f"seconds_{stage}" in jobs}
    rows, records = [], []
    for method in run.methods:
        mine = jobs[jobs["method"] == method.name]
        if mine.empty:
            continue
        done = mine[mine["status"] == "done"]
        fits = done[done["prior"].isna() | ~done["prior"].duplicated()]  # jobs that share a prior repeat what it cost
        seconds = {stage: _mean_seconds(fits if stage == "fit" else done, stage, unit) for stage, unit in units.items()}
        memory, stored = done["peak_memory_mb"].max(), done["stored_mb"].max()
        records.append(
            {"method": method.name, "jobs": len(mine), "jobs_done": len(done)}
            | {f"{stage}_seconds_per_{unit}": seconds[stage] for stage, unit in units.items()}
            | {"peak_memory_mb": memory, "stored_mb": stored}
        )
        texts = [row_title(method), f"{len(done)} of {len(mine)}", *map(_seconds, seconds.values())]
        rows.append(tuple(map(Cell, (*texts, _megabytes(memory), _megabytes(stored)))))
    stages = [f"{stage}, s per {unit}" for stage, unit in units.items()]
    return Table(
        f"{run.suite.name}_cost",
        f"{run.caption} Mean over the jobs that are done.",
        tuple(map(Cell, ("Method", "Jobs done", *stages, "Peak memory, MB", "Stored per person, MB"))),
        (tuple(rows),),
        (("", f"Measured on {run.hardware}."),) if run.hardware else (),
        pd.DataFrame(records),
    )


def _mean_seconds(jobs: pd.DataFrame, stage: str, unit: str) -> float:
    """Over the jobs that had this stage, per job or per image; NaN where none had it."""
    timed = jobs.dropna(subset=f"seconds_{stage}")
    count = timed["n_cases"].sum() if unit == "image" else len(timed)
    return timed[f"seconds_{stage}"].sum() / count if count else math.nan


def _megabytes(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:.1f}" if 0 < value < 10 else f"{value:.0f}"


def _seconds(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
