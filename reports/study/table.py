"""Shares as a column of the run's table and as a table of their own."""

from __future__ import annotations

import pandas as pd

from benchmarks.analysis.statistics import SUMMARY
from benchmarks.engine.records import MetricRecord
from reports.runs import Run
from reports.study.files import Scores, Share
from reports.table import DASH, Cell, Row, Table, row_title

USER = "user_percent"  # in suites' published numbers, and in CSV files


def metrics(run: Run) -> tuple[MetricRecord, ...]:
    """The column of the run's table: there if a study was scored, or a source of published numbers has it."""
    if run.study is None and not run.suite.sources(USER):
        return ()
    real = run.study is not None and run.study.form == "real"
    return (MetricRecord(name=USER, label="User %", higher_is_better=True if real else None, range=(0.0, 100.0)),)


def summary(run: Run) -> pd.DataFrame:
    """The shares as rows of a summary, in percent, with answers and raters in the place of images and people."""
    study = _current(run)
    numbers = [
        {"condition": share.condition, "method": share.row, "mean": 100 * share.share, "tied_with_best": False}
        | {"ci_low": 100 * share.interval[0], "ci_high": 100 * share.interval[1], "published": ""}
        | {"n_images": share.answers, "n_people": share.raters}
        for share in (study.shares if study else ())
    ]
    shared = {"suite": run.suite.name, "metric": USER, "std": float("nan"), "unit": "", "p_value": float("nan")}
    return pd.DataFrame([number | shared for number in numbers], columns=list(SUMMARY))


def reason(run: Run, row: str) -> str:
    """Why the row has no share."""
    if run.study is None:
        return "No user study was made of this run."
    if _current(run) is None:
        return "The user study is of other settings than the run."
    return "The row that the others were compared with." if row == run.study.ours else "Not in the user study."


def remarks(run: Run) -> list[tuple[str, str]]:
    """What the column says, where there was a study."""
    return [("", f"{_meaning(run, study)} {_counts(study)}") for study in [_current(run)] if study]


def table(run: Run) -> Table:
    """The shares with both intervals and the published ones."""
    study = run.study
    assert study is not None
    titled = len(run.conditions) > 1
    conditions = {condition.name: condition.title for condition in run.conditions}
    titles = ["Method", "User %", "95 % interval", "as if independent", "Answers", "Raters", "Published"]

    def row(share: Share) -> Row:
        (record,) = (row for row in run.methods if row.name == share.row)
        published = run.suite.published_numbers(share.row, USER, share.condition).values()
        texts = [row_title(record), f"{100 * share.share:.1f}", _interval(share.interval), _interval(share.wilson)]
        texts += [str(share.answers), str(share.raters), *([f"{n.mean:g}" for n in published] or [DASH])]
        return tuple(map(Cell, [conditions[share.condition]] * titled + texts))

    order = {row.name: place for place, row in enumerate(run.methods)}
    return Table(
        f"{run.suite.name}_study",
        f"{_meaning(run, study)} {_counts(study)}",
        tuple(map(Cell, ["Condition"] * titled + titles)),
        (tuple(row(share) for share in sorted(study.shares, key=lambda share: (share.condition, order[share.row]))),),
        tuple(("", f"Published: {source}.") for source in run.suite.sources(USER)),
        summary(run),
        text=1 + titled,
    )


def _current(run: Run) -> Scores | None:
    """The scores, if they are of images that the run still has."""
    return run.study if run.study and set(run.study.jobs) <= set(run.suite.jobs) else None


def _meaning(run: Run, study: Scores) -> str:
    if study.form == "real":
        return "User %: answers that took the image for a real photo of the person."
    (ours,) = (row.title for row in run.methods if row.name == study.ours)
    return f"User %: answers in which the method was preferred to {ours}."


def _counts(study: Scores) -> str:
    answers = sum(share.answers for share in study.shares)
    people = f"{answers} answers of {study.raters} {'rater' if study.raters == 1 else 'raters'}"
    left_out = f", {study.left_out} more left out for attention checks" * bool(study.left_out)
    return f"{people}{left_out}; 95 % intervals take a rater's answers to be alike."


def _interval(interval: tuple[float, float]) -> str:
    return f"({100 * interval[0]:.1f}, {100 * interval[1]:.1f})"
