"""Shows a run as it goes: live bars on a terminal, plain lines now and then elsewhere; and its summary."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from benchmarks.engine.plan import Job
from benchmarks.engine.records import MetricRecord, SuiteRecord
from benchmarks.engine.worker import Outcome
from mystyle.files import printable

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = 15.0  # seconds between two plain lines
COLUMN = 17  # letters of a metric's column, with the space about it


class Display(ABC):
    """What is shown of a run. All calls come from the parent process."""

    def __init__(self, jobs: int) -> None:
        self._total, self._ended = jobs, 0

    @abstractmethod
    def started(self, job: Job) -> None: ...

    @abstractmethod
    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None: ...

    @abstractmethod
    def withdrawn(self, job: Job) -> None:
        """The job is not being run any more."""

    @abstractmethod
    def _print(self, text: str) -> None:
        """A line, with the number of jobs that have ended."""

    def finished(self, job: Job, outcome: Outcome) -> None:
        self.withdrawn(job)
        self._ended += 1
        self._print(_result(job, outcome))

    def again(self, job: Job, outcome: Outcome) -> None:
        """It failed, and will be started once more."""
        self.withdrawn(job)
        self._print(f"{_result(job, outcome)}; it will be tried again")

    def tick(self) -> None:  # noqa: B027 (the default is to do nothing)
        """Called about once a second."""

    def close(self) -> None:  # noqa: B027
        """Called at the end."""


def make_display(jobs: int, stream: TextIO) -> Display:
    """The display that suits where ``stream`` goes."""
    console = Console(file=stream)
    return LiveDisplay(jobs, console) if console.is_terminal else PlainDisplay(jobs, console)


class LiveDisplay(Display):
    """A bar for the run and one for every running job."""

    def __init__(self, jobs: int, console: Console) -> None:
        super().__init__(jobs)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[stage]}", markup=False),
            console=console,
        )
        self._all = self._bars.add_task("all jobs", total=jobs, stage="")
        self._jobs: dict[str, TaskID] = {}
        self._bars.start()

    def started(self, job: Job) -> None:
        self._jobs[job.key] = self._bars.add_task(printable(job.title), total=None, stage="starting")

    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None:
        self._bars.update(self._jobs[job.key], completed=done, total=total, stage=printable(stage + _loss(loss)))

    def withdrawn(self, job: Job) -> None:
        self._bars.remove_task(self._jobs.pop(job.key))

    def close(self) -> None:
        self._bars.stop()

    def _print(self, text: str) -> None:
        self._bars.update(self._all, completed=self._ended)
        self._bars.console.print(printable(text), highlight=False, markup=False)


class PlainDisplay(Display):
    """A line for every job that ends, and one every ``INTERVAL`` seconds about those that run."""

    def __init__(self, jobs: int, console: Console) -> None:
        super().__init__(jobs)
        self._console = console
        self._jobs: dict[str, str] = {}
        self._began = self._last = time.monotonic()

    def started(self, job: Job) -> None:
        self._jobs[job.key] = f"{job.title}: starting"

    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None:
        self._jobs[job.key] = f"{job.title}: {stage} {done}/{total}{_loss(loss)}"

    def withdrawn(self, job: Job) -> None:
        self._jobs.pop(job.key)

    def tick(self) -> None:
        if time.monotonic() - self._last > INTERVAL:
            elsewhere = f"{self._total - self._ended} jobs are with other processes, or wait for workers"
            self._print("; ".join(self._jobs.values()) or elsewhere)

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        line = f"[{self._ended}/{self._total} jobs, {self._last - self._began:.0f} s] {printable(text)}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _loss(loss: float | None) -> str:
    return "" if loss is None else f", loss {loss:.3g}"


def _result(job: Job, outcome: Outcome) -> str:
    if outcome.status == "done":
        return f"{job.title}: done in {outcome.seconds:.1f} s"
    return f"{job.title}: FAILED, {outcome.reason.splitlines()[0]}"


def print_summary(summary: pd.DataFrame, suite: SuiteRecord, console: Console | None = None) -> None:
    """Mean ± standard deviation over images (over sweeps, of rank correlations), a row per method and condition.

    As many metrics stand beside each other as the terminal has room for, the others below.
    """
    console = console or Console(width=None if sys.stdout.isatty() else 110)
    titles = [method.title for method in suite.methods] + [condition.title for condition in suite.conditions]
    beside = max(1, (console.width - max(map(cell_len, titles)) - 3) // COLUMN)
    for start in range(0, len(suite.metrics), beside):
        console.print(_summary_of(summary, suite, suite.metrics[start : start + beside]))


def _summary_of(summary: pd.DataFrame, suite: SuiteRecord, metrics: Sequence[MetricRecord]) -> Table:
    cells = {(row.condition, row.method, row.metric): row for row in summary.fillna({"condition": ""}).itertuples()}
    what = "rank correlation with the dose" if suite.is_sweep else "mean ± standard deviation over images"
    table = Table(title=Text(printable(f"{suite.title}: {what}")), box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for metric in metrics:
        heading = metric.label if suite.is_sweep else metric.heading
        table.add_column(Text(printable(heading)), justify="right", max_width=COLUMN - 2)
    for condition in suite.conditions:
        if condition.title:
            table.add_section()
            table.add_row(Text(printable(condition.title), style="bold"))
        for method in suite.methods:
            keys = [(condition.name, method.name, metric.name) for metric in metrics]
            row = [cells[key] for key in keys if key in cells]
            if row:
                table.add_row(Text(printable(method.title)), *(_cell(c) for c in row))
    return table


def _cell(c: Any) -> str:
    return "–" if not c.n_images else f"{c.mean:.3f} ± {c.std:.3f}"
