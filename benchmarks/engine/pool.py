"""Runs jobs on a pool of workers: claims, retries and time limits, whatever kind of process a worker is.

The states of a worker:

    GONE --start--> IDLE --assign--> ASSIGNED --heartbeat--> BUSY --outcome--> IDLE

A worker that is lost while ASSIGNED or BUSY, or is stopped by the time limit, is GONE. What it had not begun is queued
again, what it had begun has failed.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

from benchmarks.engine import records
from benchmarks.engine.display import Display
from benchmarks.engine.executors import NoWorkers
from benchmarks.engine.plan import Job
from benchmarks.engine.worker import Context, Outcome, record_failure

TICK = 1.0  # seconds between two looks at the clock
FALSE_STARTS = 2  # in a row, after which a worker is given up

Progress = tuple[str, int, int, float | None]  # stage, done, total, loss
BEGINNING: Progress = ("beginning", 0, 1, None)  # the first heartbeat of a job


@dataclass
class Dispatcher:
    """The queue of jobs. Each is claimed, so that no other process works on it, from ``next`` until it has ended."""

    waiting: list[Job]
    context: Context
    display: Display
    retries: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)  # by key, of jobs that were begun
    _claims: dict[str, ExitStack] = field(default_factory=dict)  # by key

    def close(self) -> None:
        """Releases all claims."""
        for claims in self._claims.values():
            claims.close()

    def next(self) -> Job | None:
        """The first job that no process works on and whose prior none is fitting; None if there is none now.

        Raises records.Unwritable if nothing can be claimed.
        """
        for job in list(self.waiting):
            with records.writing(self.context.run), ExitStack() as claims:
                if not all(claims.enter_context(records.claim(place, wait=False)) for place in self._places(job)):
                    continue
                self._claims[job.key] = claims.pop_all()
            self.waiting.remove(job)
            self.display.started(job)
            if records.is_done(self.context.run, job.key):  # by another process, since the plan was made
                self.ended(job, Outcome(job.key, "done", "", 0.0))
                continue
            self.attempts[job.key] += 1
            return job
        return None

    def _places(self, job: Job) -> list[Path]:
        """The places that the job will write, to be claimed: its folder, and its prior where that is to be fitted."""
        place = [self.context.run / "jobs" / job.key]
        if job.prior_key is None or (self.context.fits.folder / job.prior_key).exists():
            return place
        return [*place, self.context.fits.folder / f"{job.prior_key}-fit"]

    def requeue(self, job: Job) -> None:
        """The job was not begun; another worker may run it."""
        self._claims.pop(job.key).close()
        self.attempts[job.key] -= 1
        self.waiting.insert(0, job)
        self.display.withdrawn(job)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Keeps the outcome, or queues a failed job again. Raises records.Unwritable if its record cannot be kept."""
        self._claims.pop(job.key).close()
        if outcome.unwritable:
            raise records.Unwritable(outcome.unwritable)
        if outcome.status == "failed" and self.attempts[job.key] <= self.retries:
            self.waiting.append(job)
            self.display.again(job, outcome)
        else:
            self.outcomes.append(outcome)
            self.display.finished(job, outcome)


class State(Enum):
    """Of a worker."""

    GONE = auto()  # no process
    IDLE = auto()  # without a job; the process may still be starting
    ASSIGNED = auto()  # has a job that it has not begun
    BUSY = auto()  # runs its job


@dataclass(frozen=True)
class Lost:
    """A worker process has ended, and why."""

    reason: str


class WorkerHandle(ABC):
    """Parent-side handle of a worker process. Subclasses know the kind of process; the states are kept here."""

    def __init__(self, context: Context, device: str) -> None:
        self.context, self.device = context, device
        self.state = State.GONE
        self.false_starts = 0  # in a row
        self._began = 0.0

    @abstractmethod
    def start(self) -> None:
        """Starts a process, without waiting for it."""

    @abstractmethod
    def send(self, job: Job, attempt: int) -> None:
        """Sends a job to the process. If that is gone, the next message is Lost."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process at once, if it has not ended."""

    def accepts(self) -> bool:
        """Whether an idle worker would begin a job without waiting for resources of its own."""
        return True

    def launch(self) -> None:
        self.start()
        self.state = State.IDLE

    def terminate(self) -> None:
        self.kill()
        self.state = State.GONE

    def assign(self, job: Job, attempt: int) -> None:
        self.state = State.ASSIGNED
        self.send(job, attempt)

    def heartbeat(self) -> None:
        """The process has begun its job, or goes on with it; the time limit counts from the first one."""
        if self.state is State.ASSIGNED:
            self.state, self.false_starts, self._began = State.BUSY, 0, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self._began if self.state is State.BUSY else 0.0


W = TypeVar("W", bound=WorkerHandle)
Listen = Callable[[Sequence[W], float], Iterable[tuple[W, Outcome | Progress | Lost]]]


def run_pool(dispatcher: Dispatcher, workers: Sequence[W], listen: Listen[W], timeout: float | None) -> list[Outcome]:
    """Keeps ``workers`` busy until no job is left. ``listen`` waits some seconds for messages of those that have one.

    Raises NoWorkers if none of them can start any more.
    """
    workers = list(workers)
    jobs: dict[W, Job] = {}
    while dispatcher.waiting or jobs:
        for worker in workers:
            if worker.state is State.GONE and dispatcher.waiting:
                worker.launch()
            if worker.state is State.IDLE and worker.accepts() and (job := dispatcher.next()) is not None:
                jobs[worker] = job
                worker.assign(job, dispatcher.attempts[job.key])
        for worker, message in listen(list(jobs), TICK):
            if isinstance(message, Lost):
                _lose(dispatcher, worker, jobs.pop(worker), f"WorkerDied: {message.reason}")
                if worker.false_starts == FALSE_STARTS:
                    workers.remove(worker)
                if not workers:
                    raise NoWorkers(f"no worker can start: {message.reason}")
                continue
            worker.heartbeat()
            if not isinstance(message, Outcome):
                dispatcher.display.progress(jobs[worker], *message)
                continue
            worker.state = State.IDLE
            if message.status == "failed" and worker.device != "cpu":
                worker.terminate()  # after an error on a GPU nothing in the process can be trusted
            dispatcher.ended(jobs.pop(worker), message)
        for worker in [worker for worker in jobs if timeout and worker.elapsed > timeout]:
            _lose(dispatcher, worker, jobs.pop(worker), f"TimedOut: stopped after {timeout:g} s; see --timeout")
        dispatcher.display.tick()
    return dispatcher.outcomes


def _lose(dispatcher: Dispatcher, worker: WorkerHandle, job: Job, reason: str) -> None:
    """The worker is gone: its job has failed, or is queued again if it was not begun."""
    began, seconds = worker.state is State.BUSY, worker.elapsed
    worker.terminate()
    if began:
        failure = record_failure(dispatcher.context, job, reason, "", seconds, dispatcher.attempts[job.key])
        dispatcher.ended(job, failure)
    else:
        worker.false_starts += 1
        dispatcher.requeue(job)
