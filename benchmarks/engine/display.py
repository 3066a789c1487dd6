"""Shows a run as it goes: live bars on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks.engine.plan import Job
from benchmarks.engine.records import printable
from benchmarks.engine.worker import Outcome

INTERVAL = 15.0  # seconds between two plain lines
AGAIN = "; it will be tried again"


class Display(Protocol):
    """Hears what happens in the run. All calls come from the parent process."""

    def started(self, job: Job) -> None: ...

    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None: ...

    def finished(self, job: Job, outcome: Outcome) -> None: ...

    def again(self, job: Job, outcome: Outcome) -> None:
        """It ended like that, and will be started once more."""
        ...

    def withdrawn(self, job: Job) -> None:
        """It was not begun."""
        ...

    def tick(self) -> None:
        """Time passes; called about once a second."""
        ...

    def close(self) -> None: ...


def make_display(jobs: int, stream: TextIO) -> Display:
    """The display that suits where ``stream`` goes."""
    console = Console(file=stream)
    return LiveDisplay(jobs, console) if console.is_terminal else PlainDisplay(jobs, console)


class LiveDisplay:
    """A bar for the run and one for every job at work."""

    def __init__(self, jobs: int, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[stage]}"),
            console=console,
        )
        self._all = self._bars.add_task("all jobs", total=jobs, stage="")
        self._jobs: dict[str, TaskID] = {}
        self._bars.start()

    def started(self, job: Job) -> None:
        self._jobs[job.key] = self._bars.add_task(job.title, total=None, stage="starting")

    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None:
        self._bars.update(self._jobs[job.key], completed=done, total=total, stage=stage + _loss(loss))

    def finished(self, job: Job, outcome: Outcome) -> None:
        self._bars.remove_task(self._jobs.pop(job.key))
        self._bars.advance(self._all)
        self._bars.console.print(_ended(job, outcome), highlight=False, markup=False)

    def again(self, job: Job, outcome: Outcome) -> None:
        self.withdrawn(job)
        self._bars.console.print(_ended(job, outcome) + AGAIN, highlight=False, markup=False)

    def withdrawn(self, job: Job) -> None:
        self._bars.remove_task(self._jobs.pop(job.key))

    def tick(self) -> None:
        pass  # rich has a clock of its own

    def close(self) -> None:
        self._bars.stop()


class PlainDisplay:
    """A line for every job that ends, and one every ``INTERVAL`` seconds about those at work."""

    def __init__(self, jobs: int, console: Console) -> None:
        self._total, self._ended, self._console = jobs, 0, console
        self._jobs: dict[str, str] = {}
        self._began = self._spoke = time.monotonic()

    def started(self, job: Job) -> None:
        self._jobs[job.key] = f"{job.title}: starting"

    def progress(self, job: Job, stage: str, done: int, total: int, loss: float | None = None) -> None:
        self._jobs[job.key] = f"{job.title}: {stage} {done}/{total}{_loss(loss)}"

    def finished(self, job: Job, outcome: Outcome) -> None:
        self._jobs.pop(job.key, None)
        self._ended += 1
        self._say(_ended(job, outcome))

    def again(self, job: Job, outcome: Outcome) -> None:
        self.withdrawn(job)
        self._say(_ended(job, outcome) + AGAIN)

    def withdrawn(self, job: Job) -> None:
        self._jobs.pop(job.key, None)

    def tick(self) -> None:
        if time.monotonic() - self._spoke > INTERVAL:
            elsewhere = f"{self._total - self._ended} jobs are with other processes, or wait for workers"
            self._say("; ".join(self._jobs.values()) or elsewhere)

    def close(self) -> None:
        pass

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        elapsed = self._spoke - self._began
        line = f"[{self._ended}/{self._total} jobs, {elapsed:.0f} s] {text}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _loss(loss: float | None) -> str:
    return "" if loss is None else f", loss {loss:.3g}"


def _ended(job: Job, outcome: Outcome) -> str:
    if outcome.status == "done":
        return f"{job.title}: done in {outcome.seconds:.1f} s"
    return f"{job.title}: FAILED, {printable(outcome.reason.splitlines()[0])}"
