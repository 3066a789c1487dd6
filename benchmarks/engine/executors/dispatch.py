"""Who does which job when, whatever the executor: claims, priors that are being fitted, second tries, time limits."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from benchmarks.engine import records
from benchmarks.engine.display import Display
from benchmarks.engine.executors import NoWorkers
from benchmarks.engine.plan import Job
from benchmarks.engine.worker import Context, Outcome, record_failure

TICK = 1.0  # seconds between two looks at the clock
FALSE_STARTS = 2  # in a row, after which a worker is given up

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
        for _, claims in self._active.values():
            claims.close()

    def next(self) -> Job | None:
        """The first job that nobody does and whose prior nobody is fitting; None if there is none now.

        Raises records.Unwritable if nothing can be claimed.
        """
        for job in list(self.waiting):
            with records.writing(self.context.run), ExitStack() as claims:
                if not all(claims.enter_context(records.claim(place, wait=False)) for place in self._places(job)):
                    continue  # another process is at it, or one of ours fits its prior
                self._active[job.key] = job, claims.pop_all()
            self.waiting.remove(job)
            self.display.started(job)
            if records.is_done(self.context.run, job.key):  # another process was, since the plan was made
                self.ended(job, Outcome(job.key, "done", "", 0.0))
                continue
            self.attempts[job.key] += 1
            return job
        return None

    def _places(self, job: Job) -> list[Path]:
        """What is claimed for the time of a job: its place, and the fit of its prior where that is to be done."""
        place = [self.context.run / "jobs" / job.key]
        if job.prior_key is None or (self.context.fits.folder / job.prior_key).exists():
            return place
        return [*place, self.context.fits.folder / f"{job.prior_key}-fit"]

    def taken_back(self, job: Job) -> None:
        """The job was not begun; another worker may do it."""
        self._free(job)
        self.attempts[job.key] -= 1
        self.waiting.insert(0, job)
        self.display.withdrawn(job)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Keeps the outcome, or has the job tried again. Raises records.Unwritable if its record cannot be kept."""
        self._free(job)
        if outcome.unwritable:
            raise records.Unwritable(outcome.unwritable)
        if outcome.status == "failed" and self.attempts[job.key] <= self.retries:
            self.waiting.append(job)
            self.display.again(job, outcome)
            return
        self.outcomes.append(outcome)
        self.display.finished(job, outcome)

    def _free(self, job: Job) -> None:
        _, claims = self._active.pop(job.key)
        claims.close()


@dataclass(frozen=True)
class Lost:
    """A worker is gone, and how."""

    reason: str


class Hand(ABC):
    """The near side of a worker that is another process; ``job`` is what it is doing."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.job: Job | None = None
        self.attempt = 0
        self.false_starts = 0  # in a row
        self._began: float | None = None

    def give(self, job: Job, attempt: int) -> None:
        self.job, self.attempt, self._began = job, attempt, None
        self.send(job, attempt)

    def is_ready(self) -> bool:
        """Whether a job would be begun if it were given."""
        return True

    @abstractmethod
    def send(self, job: Job, attempt: int) -> None:
        """Has the worker begin, a new one if the last one is gone. What goes wrong is told by the next message."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the worker at once."""

    def heard(self) -> None:
        """The worker gave a sign of life: its process has started, and the job's time begins with the first one."""
        self.false_starts = 0
        if self._began is None:
            self._began = time.monotonic()

    @property
    def has_begun(self) -> bool:
        return self._began is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def failure(self, reason: str) -> Outcome:
        """The outcome of a job that its worker cannot speak for any more; leaves its record."""
        return record_failure(self.context, self.job, reason, "", self.elapsed, self.attempt)


Listen = Callable[[Sequence[Hand], float], Iterable[tuple[Hand, Outcome | Progress | Lost]]]


def share_out(dispatcher: Dispatcher, hands: Sequence[Hand], listen: Listen, timeout: float | None) -> list[Outcome]:
    """Keeps ``hands`` busy until nothing is left. ``listen`` waits some seconds for what busy ones have to say.

    Raises NoWorkers if none of them can start any more.
    """
    hands = list(hands)
    while dispatcher.waiting or any(hand.job for hand in hands):
        for hand in hands:
            if hand.job is None and hand.is_ready() and (job := dispatcher.next()) is not None:
                hand.give(job, dispatcher.attempts[job.key])
        for hand, message in listen([hand for hand in hands if hand.job], TICK):
            if isinstance(message, Outcome):
                hand.heard()
                _free(dispatcher, hand, message)
            elif not isinstance(message, Lost):
                hand.heard()
                dispatcher.display.progress(hand.job, *message)
            elif hand.has_begun:
                _free(dispatcher, hand, hand.failure(f"WorkerDied: {message.reason}"))
            else:  # it is not the job's fault
                hand.false_starts += 1
                job, hand.job = hand.job, None
                dispatcher.taken_back(job)
                if hand.false_starts == FALSE_STARTS:
                    hands.remove(hand)
                if not hands:
                    raise NoWorkers(f"no worker can start: {message.reason}")
        for hand in hands:
            if timeout and hand.job and hand.elapsed > timeout:
                hand.kill()
                _free(dispatcher, hand, hand.failure(f"TimedOut: stopped after {timeout:g} s; see --timeout"))
        dispatcher.display.tick()
    return dispatcher.outcomes


def _free(dispatcher: Dispatcher, hand: Hand, outcome: Outcome) -> None:
    job, hand.job = hand.job, None
    dispatcher.ended(job, outcome)
