"""Who does which job when, whatever the executor: claims, priors that are being fitted, second tries, time limits."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from benchmarks import records
from benchmarks.display import Display
from benchmarks.plan import Job
from benchmarks.worker import Context, Outcome, record_failure

TICK = 1.0  # seconds between two looks at the clock

Progress = tuple[str, int, int, float | None]  # stage, done, total, loss
BEGINNING: Progress = ("beginning", 0, 1, None)  # a worker's first words about a job


@dataclass
class Dispatcher:
    """Hands out jobs, each to one process in the world at a time, and takes back how they ended."""

    waiting: list[Job]
    context: Context
    display: Display
    retries: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    """by key, of jobs that were begun"""
    _active: dict[str, tuple[Job, ExitStack]] = field(default_factory=dict)

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, claim in self._active.values():
            claim.close()

    def next(self) -> Job | None:
        """The first job that nobody does and whose prior nobody here is fitting; None if there is none now."""
        at_work = {job.prior_key for job, _ in self._active.values()} - {None}
        fitting = {key for key in at_work if not (self.context.priors / key).exists()}
        for job in list(self.waiting):
            if job.prior_key in fitting:
                continue
            claim = ExitStack()
            if not claim.enter_context(records.claim(self.context.run / "jobs" / job.key, wait=False)):
                continue  # another process is at it
            self.waiting.remove(job)
            self.display.started(job)
            self._active[job.key] = job, claim
            if records.is_done(self.context.run, job.key):  # another process was, since the plan was made
                self.ended(job, Outcome(job.key, "done", "", 0.0))
                continue
            self.attempts[job.key] += 1
            return job
        return None

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Keeps the outcome, or has the job tried again. Raises records.Unwritable if its record cannot be kept."""
        _, claim = self._active.pop(job.key)
        claim.close()
        if outcome.unwritable:
            raise records.Unwritable(outcome.unwritable)
        if outcome.status == "failed" and self.attempts[job.key] <= self.retries:
            self.waiting.append(job)
            self.display.again(job, outcome)
            return
        self.outcomes.append(outcome)
        self.display.finished(job, outcome)


class Hand(ABC):
    """The near side of a worker that is another process; ``job`` is what it is doing."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.job: Job | None = None
        self.attempt = 0
        self._began: float | None = None

    def give(self, job: Job, attempt: int) -> None:
        self.job, self.attempt, self._began = job, attempt, None
        self.send(job, attempt)

    def heard(self) -> None:
        """The worker gave a sign of life: its process has started, and the job's time begins with the first one."""
        if self._began is None:
            self._began = time.monotonic()

    @abstractmethod
    def send(self, job: Job, attempt: int) -> None:
        """Has the worker begin, a new one if the last one is gone. What goes wrong is told by the next message."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the worker at once."""

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def failure(self, reason: str) -> Outcome:
        """The outcome of a job that its worker cannot speak for any more; leaves its record."""
        return record_failure(self.context, self.job, reason, "", self.elapsed, self.attempt)


Listen = Callable[[Sequence[Hand], float], Iterable[tuple[Hand, Outcome | Progress]]]


def share_out(dispatcher: Dispatcher, hands: Sequence[Hand], listen: Listen, timeout: float | None) -> list[Outcome]:
    """Keeps ``hands`` busy until nothing is left. ``listen`` waits some seconds for what busy ones have to say."""
    while dispatcher.waiting or any(hand.job for hand in hands):
        for hand in hands:
            if hand.job is None and (job := dispatcher.next()) is not None:
                hand.give(job, dispatcher.attempts[job.key])
        for hand, message in listen([hand for hand in hands if hand.job], TICK):
            if isinstance(message, Outcome):
                _free(dispatcher, hand, message)
            else:
                hand.heard()
                dispatcher.display.progress(hand.job, *message)
        for hand in hands:
            if timeout and hand.job and hand.elapsed > timeout:
                hand.kill()
                _free(dispatcher, hand, hand.failure(f"TimedOut: stopped after {timeout:g} s; see --timeout"))
        dispatcher.display.tick()
    return dispatcher.outcomes


def _free(dispatcher: Dispatcher, hand: Hand, outcome: Outcome) -> None:
    job, hand.job = hand.job, None
    dispatcher.ended(job, outcome)
